"""The sweeper: no recorded job is forgotten, whatever becomes of Redis.

It wakes accepted jobs whose time has come. A wake-up says only whose job it is: what is applied is
what the ledger has.
"""

from jobs.codec import Reference
from jobs.wire import put, queue_id, wake_up
from worker.loops.alone import alone
from worker.queue.due_jobs import DueJobs
from worker.runtime import Runtime
from worker.signals import JobsFed

FEED_JOBS = 1_000
FEED_AGAIN_SECONDS = 10.0
FULL_QUEUE_JOBS = 10_000
"""A longer queue gets one page a round: the workers have enough to do."""


class Sweeper:
    """One a process: it remembers where it was."""

    def __init__(self) -> None:
        self._due = DueJobs()

    async def sweep(self, runtime: Runtime) -> int:
        """Every job that is due is in the queue, or the queue is full; how many were not there.

        Raises what is in REDIS_ERRORS, before anything is touched, if Redis is away.
        """
        if not await self._due.are_there(runtime.keeper):
            return 0
        room = FULL_QUEUE_JOBS - await runtime.redis.zcard(runtime.settings.queue_name)
        fed, jobs = 0, await self._page(runtime)
        while jobs:
            fed += await _wake(jobs, runtime)
            room -= len(jobs)
            is_last = room <= 0 or len(jobs) < FEED_JOBS
            jobs = [] if is_last else await self._page(runtime)
        if fed:
            runtime.emit(JobsFed(jobs=fed))
        return fed

    async def _page(self, runtime: Runtime) -> list[tuple[Reference, str]]:
        async with alone(runtime.keeper, "sweeper") as connection:
            if connection is None:
                return []
            return await self._due.take(connection, FEED_JOBS, FEED_AGAIN_SECONDS)


async def _wake(jobs: list[tuple[Reference, str]], runtime: Runtime) -> int:
    entries = [(queue_id(job.id), wake_up(job.tenant_id, job.id, kind)) for job, kind in jobs]
    return sum(await put(runtime.redis, runtime.settings.queue_name, entries))
