"""How an idle consumer learns at once that there is something to take, and is silent otherwise."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from arq.connections import ArqRedis

from jobs.connections import ANSWER_SECONDS
from jobs.tracking import Tracked, TrackingUnsupportedError
from worker import lua

SAFETY_POLL_SECONDS = 1.0
FIRST_HESITATION_SECONDS, LONGEST_HESITATION_SECONDS = 0.001, 0.05


class Bell:
    """Rung by any change of the queues, by whomever: plain Arq producers too.

    It is armed by a look at the queues. Where the server cannot ring, they are looked at every
    `poll_seconds`.
    """

    def __init__(self, redis: ArqRedis, queues: Sequence[str], poll_seconds: float) -> None:
        self._redis = redis
        self._tracked = Tracked(redis, self._ring)
        self._peek = ("EVAL", lua.source("peek"), len(queues), *queues)
        self._poll_seconds = poll_seconds
        self._rung = asyncio.Event()
        self._looking: asyncio.Task[tuple[bool, float]] | None = None
        self._is_armed = False
        self._is_mute = False
        self._look_again_at = 0.0
        self._deafnesses = 0
        self._came_for_ring = False
        self._in_vain = 0

    async def wait(self, *, is_idle: bool = True) -> None:
        """Returns when there may be something to take: `found` is to be told how much it was.

        Who is not idle is rung by others for what they take and settle, and never hesitates for it.
        Raises what is in REDIS_ERRORS.
        """
        self._came_for_ring = False
        while not self._rung.is_set():
            if not self._is_armed and await self._look():
                return
            await self._ringing()
        await asyncio.sleep(self._hesitation())
        self._came_for_ring = is_idle

    def found(self, number: int) -> None:
        """How many entries were taken. Who is rung in vain lets the others go first next time."""
        self._rung.clear()
        if number:
            self._in_vain = 0
            # Taking has changed the queues.
            self._is_armed = False
        elif self._came_for_ring:
            self._in_vain += 1
        self._came_for_ring = False

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Nobody is rung by what the block does to the queues; the next `wait` looks at them."""
        self._deafnesses += 1
        try:
            yield
        finally:
            self._deafnesses -= 1
            self._is_armed = False

    async def forget(self) -> None:
        """Nobody looks any more, and what was seen is not told to who waits next."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def close(self) -> None:
        await self.forget()
        await self._tracked.close()

    async def _look(self) -> bool:
        """Whether anything is due. What changes from then on rings, if the bell is armed.

        The answer to who stops waiting for it is for the next: an answer may take longer than
        anybody waits here, and only who waits for it to the end learns that there is none.
        """
        looking = self._looking = self._looking or asyncio.create_task(self._seen())
        await asyncio.wait([looking])
        self._looking = None
        is_due, self._look_again_at = looking.result()
        self._is_armed = self._is_mute or self._tracked.is_true
        return is_due

    async def _seen(self) -> tuple[bool, float]:
        """Whether anything is due, and until when that may be believed without another look."""
        due, next_due_ms = await self._peeked()
        longest = self._poll_seconds if self._is_mute else SAFETY_POLL_SECONDS
        seconds = longest if next_due_ms < 0 else min(longest, next_due_ms / 1000)
        return bool(due), asyncio.get_running_loop().time() + seconds

    async def _peeked(self) -> tuple[int, int]:
        if not self._is_mute:
            try:
                due, next_due_ms = await self._tracked.ask(*self._peek)
            except TrackingUnsupportedError:
                self._is_mute = True
            else:
                return due, next_due_ms
        async with asyncio.timeout(ANSWER_SECONDS):
            due, next_due_ms = await self._redis.execute_command(*self._peek)  # type: ignore[no-untyped-call]
        return due, next_due_ms

    async def _ringing(self) -> None:
        """Returns when the bell has been rung, or it is time to look again."""
        if not self._is_armed:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._look_again_at):
                await self._rung.wait()
        if not self._rung.is_set():
            self._is_armed = False

    def _ring(self, _: object) -> None:
        """Who is not armed will look anyway."""
        if self._is_armed and not self._deafnesses:
            self._rung.set()
        self._is_armed = False

    def _hesitation(self) -> float:
        """So that a fleet of idle consumers does not stampede for one entry."""
        if not self._in_vain:
            return 0.0
        longest = FIRST_HESITATION_SECONDS * 2.0 ** min(self._in_vain, 10)
        return random.uniform(0, min(longest, LONGEST_HESITATION_SECONDS))  # noqa: S311 - jitter
