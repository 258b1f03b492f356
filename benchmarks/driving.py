"""The driver's side of the product and of the baseline: jobs into Redis until none is left there.

A job leaves Arq's queue when its worker has acknowledged it, which comes after the commit. Nothing
is asked while jobs are being sent, then the queue's length every few milliseconds; the ledger is
counted when the clock has stopped.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

import asyncpg
from arq.connections import ArqRedis

from benchmarks.stage import Stage
from jobs.envelope import AnyJob
from jobs.producer import Producer

CHUNK_JOBS = 500
WARMING_JOBS = 700
"""Before any clock runs: of the product, of the baseline and of the peers."""
LOOK_SECONDS = 0.005
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
APPLIED = """
    SELECT count(*) FROM taskrail.job WHERE status = 'applied' AND kind <> 'lease.expire'
"""
"""Not what the reaper does meanwhile: streams that were cut short leave leases behind."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One producer, and a connection to PostgreSQL that is used between runs only."""

    redis: ArqRedis
    producer: Producer
    queue_name: str
    postgres: "asyncpg.Connection[asyncpg.Record]"

    async def rate(self, jobs: list[AnyJob], *, ordered: bool) -> float:
        """Jobs per second, from the first enqueue until the last is committed and acknowledged.

        Raises RuntimeError if any of them was not applied.
        """
        before = await self.postgres.fetchval(APPLIED)
        started = perf_counter()
        for start in range(0, len(jobs), CHUNK_JOBS):
            await self.producer.enqueue_many(jobs[start : start + CHUNK_JOBS], ordered=ordered)
        while await self.redis.zcard(self.queue_name):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(LOOK_SECONDS)
        seconds = perf_counter() - started
        applied = await self.postgres.fetchval(APPLIED) - before
        if applied != len(jobs):
            raise RuntimeError(f"{applied} of {len(jobs)} jobs were applied")
        return len(jobs) / seconds


@asynccontextmanager
async def driving(stage: Stage) -> AsyncIterator[Driver]:
    """A driver on durable servers. Raises RuntimeError if PostgreSQL may lose what it committed."""
    redis = stage.runtime.redis
    queue_name = stage.settings.queue_name
    postgres = await asyncpg.connect(stage.settings.resolved_database_url.get_secret_value())
    producer = Producer(redis, queue_name=queue_name)
    try:
        await _require_durable(postgres)
        yield Driver(redis, producer, queue_name, postgres)
    finally:
        await producer.aclose()
        await postgres.close()


async def _require_durable(postgres: "asyncpg.Connection[asyncpg.Record]") -> None:
    for name, wanted in DURABLE.items():
        if (found := await postgres.fetchval(f"SHOW {name}")) != wanted:
            raise RuntimeError(f"{name} is {found}: the figures would mean nothing")
