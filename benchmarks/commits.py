"""When the jobs of a run were committed, as PostgreSQL's log has it: it is read after the run.

The record of a commit bears the server's time, which is the clock of this machine, from just
before the record is flushed to the disk; how long that takes is timed meanwhile, and added.
"""

import asyncio
from collections.abc import Sequence
from statistics import median
from time import perf_counter
from typing import TypeAlias
from uuid import UUID

import asyncpg

FLUSHES = 20
PREPARED = "CREATE EXTENSION IF NOT EXISTS pg_walinspect; SET timezone = 'UTC'"
END = "SELECT pg_current_wal_insert_lsn()::text"
COMMITTED = """
    SELECT job.id,
        extract(epoch FROM split_part(log.description, ';', 1)::timestamptz)::float8 AS at
    FROM pg_get_wal_records_info($1::text::pg_lsn, pg_current_wal_flush_lsn()) AS log
    JOIN taskrail.job ON job.xmin = log.xid
    WHERE log.resource_manager = 'Transaction' AND log.record_type = 'COMMIT'
        AND job.id = ANY($2::uuid[])
"""
FLUSH = "SELECT pg_logical_emit_message(true, 'benchmark', 'a record to be flushed')"

Postgres: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def end_of_log(postgres: Postgres) -> str:
    """What is committed from now on stands behind it."""
    await postgres.execute(PREPARED)
    return str(await postgres.fetchval(END))


async def commits(
    postgres: Postgres, start: str, ids: Sequence[UUID], flush_seconds: float
) -> dict[UUID, float]:
    """Unix time at which each of these jobs was settled for good.

    Raises RuntimeError if the log behind `start` does not say it of all.
    """
    found = {row["id"]: row["at"] for row in await postgres.fetch(COMMITTED, start, ids)}
    if found.keys() != set(ids):
        raise RuntimeError(f"the log tells of {len(found)} of {len(ids)} jobs")
    return {job_id: at + flush_seconds for job_id, at in found.items()}


async def flush_seconds(postgres: Postgres, longest: float) -> float:
    """What a commit of one small record takes within so many seconds: no less than its flush."""
    seconds: list[float] = []
    for _ in range(FLUSHES):
        await asyncio.sleep(longest / FLUSHES)
        started = perf_counter()
        await postgres.execute(FLUSH)
        seconds.append(perf_counter() - started)
    return median(seconds)
