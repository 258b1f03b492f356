"""While Redis is away the ledger is the queue: what was recorded goes straight through `apply`."""

import asyncio
from contextlib import suppress

from db.conflicts import translated
from jobs.entities import Key
from jobs.wire import queue_id
from worker.backoff import full_jitter
from worker.counting import apply_counted, surviving, take_back
from worker.deliveries import Delivery
from worker.queue.due_jobs import DueJobs, held
from worker.runtime import Runtime
from worker.signals import LedgerDrained, LoopFailed

SHORTEST_REST_SECONDS, LONGEST_REST_SECONDS = 0.02, 1.0
"""Between looks, while there is nothing to do: twice as long each time."""


class Draining:
    """From `begin` to `end`. Many workers may drain at once; the ledger keeps them apart."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._due = DueJobs()
        self._over = asyncio.Event()
        self._draining: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._draining is None:
            self._over.clear()
            self._draining = asyncio.create_task(self._drain())

    async def end(self) -> None:
        """What is in hand is settled."""
        if self._draining is not None:
            self._over.set()
            await self._draining
            self._draining = None

    async def _drain(self) -> None:
        rest, failures = SHORTEST_REST_SECONDS, 0
        while not self._over.is_set():
            try:
                drained = await self._batch()
            except Exception as error:  # noqa: BLE001 - it goes on when PostgreSQL does
                failures += 1
                self._runtime.emit(LoopFailed(loop="drain", error=repr(error)))
                await self._rest(full_jitter(failures))
                continue
            failures = 0
            rest = SHORTEST_REST_SECONDS if drained else min(2 * rest, LONGEST_REST_SECONDS)
            await self._rest(0.0 if drained else rest)

    async def _batch(self) -> int:
        """Answers how many jobs went through; who dies with them leaves them for `hold_seconds`."""
        runtime = self._runtime
        await take_back(runtime)
        async with surviving(runtime) as counted:
            deliveries = await self._take(counted)
            if not deliveries:
                return 0
            async with held(frozenset(counted), runtime.settings.hold_seconds, runtime.keeper):
                await apply_counted(deliveries, runtime)
        runtime.emit(LedgerDrained(jobs=len(deliveries)))
        return len(deliveries)

    async def _take(self, counted: set[Key]) -> list[Delivery]:
        """What is due, or one suspect of it; their keys are in `counted` before the commit."""
        settings = self._runtime.settings
        with translated():
            async with self._runtime.keeper.begin() as connection:
                jobs = await self._due.take_counted(
                    connection, settings.batch_jobs, settings.hold_seconds
                )
                counted.update((job.tenant_id, job.id) for job, _ in jobs)
        return [Delivery(queue_id(job.id), job, settings.queue_name, count) for job, count in jobs]

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
