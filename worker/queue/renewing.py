"""Holds are renewed from a thread of its own, which a busy event loop cannot starve."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from threading import Thread

from arq.connections import ArqRedis

from worker.connection import REDIS_ERRORS
from worker.queue.holding import Entry, Queues

RENEWALS_A_HOLD = 3
Connect = Callable[[], ArqRedis]
OnLost = Callable[[list[Entry]], None]


class Renewing:
    """What is held, and is to stay held. `on_lost` is told, in the loop, what was lost."""

    def __init__(self, on_lost: OnLost) -> None:
        self._on_lost = on_lost
        # Changed in the loop, read in the thread: each change is one step for both.
        self._held: dict[bytes, Entry] = {}

    def hold(self, entries: Iterable[Entry]) -> None:
        self._held.update((entry.name, entry) for entry in entries)

    def let_go(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._held.pop(entry.name, None)

    @asynccontextmanager
    async def running(
        self, connect: Connect, queues: Callable[[ArqRedis], Queues], hold_seconds: float
    ) -> AsyncIterator[None]:
        """The thread runs, with a connection of its own, as long as the block."""
        loop, stop = asyncio.get_running_loop(), Future[None]()

        async def renew_until_stopped() -> None:
            stopping, redis = asyncio.wrap_future(stop), connect()
            while not stopping.done():
                await asyncio.wait([stopping], timeout=hold_seconds / RENEWALS_A_HOLD)
                # Without Redis nobody else can take what is held, either.
                with suppress(*REDIS_ERRORS):
                    await self._renew(queues(redis), loop)
            await redis.aclose(close_connection_pool=True)

        thread = Thread(target=asyncio.run, args=[renew_until_stopped()], name="renewing")
        thread.daemon = True
        thread.start()
        try:
            yield
        finally:
            stop.set_result(None)
            await asyncio.to_thread(thread.join)

    async def _renew(self, queues: Queues, loop: asyncio.AbstractEventLoop) -> None:
        entries = list(self._held.values())
        lost = await queues.renew(entries) if entries else []
        if lost:
            loop.call_soon_threadsafe(self._tell, lost)

    def _tell(self, names: list[bytes]) -> None:
        """What was let go meanwhile is not lost."""
        lost = [self._held[name] for name in names if name in self._held]
        self.let_go(lost)
        if lost:
            self._on_lost(lost)
