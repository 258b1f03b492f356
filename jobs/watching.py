"""Waiting for Redis keys to have a value: told by Redis where it can tell, else asked again.

All who wait on one watcher share one connection and one question, so a thousand cost little more
than one.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobs.connections import ANSWER_SECONDS
from jobs.tracking import Tracked, TrackingUnsupportedError

SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, GROWTH = 0.005, 0.1, 1.5
"""Between questions, where they must be asked again."""
LINGER_SECONDS = 5.0
"""Who has been answered often asks for more: so long the connection is kept."""

Parse = Callable[[bytes | None], Any]
"""What a value means to who waits; None: it is not yet what is waited for."""


class Watcher:
    """`trouble` says why Redis cannot be asked at the moment, if so."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._tracked = Tracked(redis, self._note)
        self._waiting: dict[asyncio.Future[Any], tuple[str, Parse]] = {}
        self._to_read: set[str] = set()
        self._woken = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._is_mute = False
        self._pause = SHORTEST_PAUSE_SECONDS
        self.trouble = ""

    def expect(self, name: str, parse: Parse) -> asyncio.Future[Any]:
        """Will have the first result of `parse` that is not None; to be given to `forget`."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting[answer] = (name, parse)
        self._to_read.add(name)
        self._pause = SHORTEST_PAUSE_SECONDS
        self._woken.set()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        return answer

    def forget(self, answer: asyncio.Future[Any]) -> None:
        del self._waiting[answer]

    async def aclose(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._tracked.close()

    async def _watch(self) -> None:
        """Until nobody waits, nor has begun to while the connection was closed."""
        while self._is_wanted():
            await self._serve()
            await self._tracked.close()

    async def _serve(self) -> None:
        """Until nobody has waited for a while. A Redis that is away is asked again."""
        while self._is_wanted():
            self._woken.clear()
            try:
                await self._look()
                self.trouble = ""
            except (RedisError, OSError) as error:
                self.trouble = f"; Redis cannot be reached: {error}"
                self._note(None)
                await self._rest()
            await self._change()

    def _is_wanted(self) -> bool:
        return bool(self._waiting) or self._woken.is_set()

    async def _look(self) -> None:
        names = sorted(self._to_read)
        self._to_read.clear()
        if not names:
            return
        values = dict(zip(names, await self._read(names), strict=True))
        for answer, (name, parse) in list(self._waiting.items()):
            if name in values and not answer.done():
                found = parse(values[name])
                if found is not None:
                    answer.set_result(found)

    async def _read(self, names: list[str]) -> list[bytes | None]:
        values: list[bytes | None]
        if not self._is_mute:
            try:
                values = await self._tracked.ask("MGET", *names)
            except TrackingUnsupportedError:
                self._is_mute = True
            else:
                return values
        async with asyncio.timeout(ANSWER_SECONDS):
            values = await self._redis.mget(names)
        return values

    async def _change(self) -> None:
        """Returns when there may be something new to read, or nobody has waited for a while."""
        if self._is_mute and self._waiting:
            await self._rest()
            self._note(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self._woken.wait()

    async def _rest(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * GROWTH)

    def _note(self, names: list[bytes] | None) -> None:
        """These have changed; None: any may have."""
        waited_for = {name for name, _ in self._waiting.values()}
        changed = waited_for if names is None else {name.decode() for name in names}
        self._to_read |= changed & waited_for
        if self._to_read:
            self._woken.set()
