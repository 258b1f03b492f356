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
        self._died_of: Exception | None = None

    def hold(self, entries: Iterable[Entry]) -> None:
        self._held.update((entry.name, entry) for entry in entries)

    def let_go(self, entries: Iterable[Entry]) -> None:
        """Another taking of the same entry stays held."""
        for entry in entries:
            if self._held.get(entry.name) is entry:
                del self._held[entry.name]

    def require_alive(self) -> None:
        """Raises what the thread has died of, if it has: nothing is renewed any more."""
        if self._died_of is not None:
            raise self._died_of

    @asynccontextmanager
    async def running(
        self, connect: Connect, queues: Callable[[ArqRedis], Queues], hold_seconds: float
    ) -> AsyncIterator[None]:
        """The thread runs, with a connection of its own, as long as the block."""
        loop, stop = asyncio.get_running_loop(), Future[None]()

        async def renew_until_stopped() -> None:
            stopping, redis = asyncio.wrap_future(stop), connect()
            ours = queues(redis)
            while not stopping.done():
                await asyncio.wait([stopping], timeout=hold_seconds / RENEWALS_A_HOLD)
                # Without Redis nobody else can take what is held, either.
                with suppress(*REDIS_ERRORS):
                    await self._renew(ours, loop)
            await redis.aclose(close_connection_pool=True)

        def run() -> None:
            try:
                asyncio.run(renew_until_stopped())
            except Exception as error:  # noqa: BLE001 - it is raised where somebody hears it
                self._died_of = error

        thread = Thread(target=run, name="renewing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set_result(None)
            await asyncio.to_thread(thread.join)

    async def _renew(self, queues: Queues, loop: asyncio.AbstractEventLoop) -> None:
        entries = list(self._held.values())
        names = set(await queues.renew(entries)) if entries else set[bytes]()
        if names:
            loop.call_soon_threadsafe(self._tell, [e for e in entries if e.name in names])

    def _tell(self, lost: list[Entry]) -> None:
        """What was let go meanwhile is not lost, nor what was taken again."""
        lost = [entry for entry in lost if self._held.get(entry.name) is entry]
        self.let_go(lost)
        if lost:
            self._on_lost(lost)
