"""The sweeper: no recorded job is forgotten, whatever becomes of Redis.

It wakes accepted jobs whose time has come. A wake-up says only whose job it is: what is applied is
what the ledger has.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text

from jobs.producer import payload, put, queue_id
from worker.loops.alone import alone
from worker.loops.glance import is_any
from worker.runtime import Runtime
from worker.signals import JobsFed

FEED_JOBS = 1_000
FEED_AGAIN_SECONDS = 10.0

ANY = text("""
    SELECT 1 FROM taskrail.job
    WHERE status = 'accepted' AND next_feed_at <= clock_timestamp() LIMIT 1
""")
FEED = text("""
    WITH due AS (
        SELECT tenant_id, id FROM taskrail.job
        WHERE status = 'accepted' AND next_feed_at <= clock_timestamp()
        ORDER BY next_feed_at
        LIMIT :jobs
        FOR UPDATE SKIP LOCKED
    )
    UPDATE taskrail.job SET next_feed_at = clock_timestamp() + make_interval(secs => :again)
    FROM due WHERE job.tenant_id = due.tenant_id AND job.id = due.id
    RETURNING job.tenant_id, job.id, job.kind, job.accepted_at
""")


async def sweep(runtime: Runtime) -> int:
    """Every job that is due is in the queue, in the order of acceptance; how many were not."""
    if not await is_any(runtime.keeper, ANY):
        return 0
    fed, due = 0, FEED_JOBS
    while due == FEED_JOBS:
        jobs = await _due(runtime)
        fed += await _wake(jobs, runtime)
        due = len(jobs)
    if fed:
        runtime.emit(JobsFed(jobs=fed))
    return fed


async def _due(runtime: Runtime) -> Sequence[Row[Any]]:
    async with alone(runtime.keeper, "sweeper") as connection:
        if connection is None:
            return []
        found = await connection.execute(FEED, {"jobs": FEED_JOBS, "again": FEED_AGAIN_SECONDS})
        return sorted(found.all(), key=lambda job: (job.accepted_at, job.id))


async def _wake(jobs: Sequence[Row[Any]], runtime: Runtime) -> int:
    if not jobs:
        return 0
    entries = [
        (queue_id(job.id), payload(job.kind, {"tenant_id": job.tenant_id, "id": job.id}))
        for job in jobs
    ]
    return sum(await put(runtime.redis, runtime.settings.queue_name, entries))
