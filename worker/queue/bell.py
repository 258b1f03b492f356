"""How an idle consumer learns at once that there is something to take, and is silent otherwise."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress

from arq.connections import ArqRedis

from jobs.tracking import Tracked, TrackingUnsupportedError
from worker import lua

SAFETY_POLL_SECONDS = 1.0
FIRST_HESITATION_SECONDS, LONGEST_HESITATION_SECONDS = 0.001, 0.05


class Bell:
    """Rung by any change of the queues, by whomever: plain Arq producers too.

    Where the server cannot ring, the queues are looked at every `poll_seconds`.
    """

    def __init__(self, redis: ArqRedis, queues: Sequence[str], poll_seconds: float) -> None:
        self._tracked = Tracked(redis, self._ring)
        self._peek = ("EVAL", lua.source("peek"), len(queues), *queues)
        self._poll_seconds = poll_seconds
        self._rung = asyncio.Event()
        self._is_armed = False
        self._is_mute = False
        self._came_for_ring = False
        self._in_vain = 0

    async def wait(self, seconds: float | None, *, is_idle: bool = True) -> None:
        """Returns when the queues have changed, or something may be due, `seconds` at the latest.

        Who is not idle may have been rung by his own settling. Raises what is in REDIS_ERRORS.
        """
        longest = SAFETY_POLL_SECONDS if seconds is None else min(seconds, SAFETY_POLL_SECONDS)
        self._came_for_ring = False
        if self._is_mute or not await self._arm():
            longest = min(longest, self._poll_seconds) if self._is_mute else 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._rung.wait()
                self._came_for_ring = is_idle
                await asyncio.sleep(self._hesitation())

    def found(self, number: int) -> None:
        """How many entries were taken. Who is rung in vain lets the others go first next time."""
        if number:
            self._in_vain = 0
        elif self._came_for_ring:
            self._in_vain += 1

    async def close(self) -> None:
        await self._tracked.close()

    async def _arm(self) -> bool:
        """Whether it is worth waiting: nothing was due when the bell was armed."""
        if self._is_armed:
            return True
        self._rung.clear()
        try:
            due = await self._tracked.ask(*self._peek)
        except TrackingUnsupportedError:
            self._is_mute = True
            return False
        self._is_armed = not self._rung.is_set()
        return not due

    def _ring(self, _: object) -> None:
        self._is_armed = False
        self._rung.set()

    def _hesitation(self) -> float:
        """So that a fleet of idle consumers does not stampede for one entry."""
        if not self._in_vain:
            return 0.0
        longest = FIRST_HESITATION_SECONDS * 2.0 ** min(self._in_vain, 10)
        return random.uniform(0, min(longest, LONGEST_HESITATION_SECONDS))  # noqa: S311 - jitter
