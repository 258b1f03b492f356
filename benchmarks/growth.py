"""What grows when the data does: throughput, latency of single jobs, the worker's memory.

`rows`: with so many tasks, and as many ledger rows, in the database before (growing.py); ratio is
the median of several, least_ratio and most_ratio say how far they lie apart. `backlog`: with so
many jobs in the queue before; its throughput is that of the first `measured_seconds`, at most 30,
after which `left` jobs were still there. `tenants`: a task for each of many, and as many of one.
`rss_mb`: one worker under load for minutes, its resident memory each few seconds. One worker
process throughout.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from sqlalchemy import text

from benchmarks import growing
from benchmarks.driving import Driver, driving
from benchmarks.processes import WORKER, leading_to, rss_mb, running
from benchmarks.stage import Stage, staged
from benchmarks.workload import Workload, interleaved
from ops.engines import opened

BACKLOG, SMOKE_BACKLOG = 1_000_000, 2_000
TENANTS, SMOKE_TENANTS = 10_000, 50
LOAD_SECONDS, SMOKE_LOAD_SECONDS = 600.0, 3.0
BACKLOG_SECONDS = 30.0
LOAD_JOBS = 2_800
LOOK_SECONDS = 5.0
ROUNDS = len(growing.ROUNDS) + 3


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """All parts; ratio_at_most_rows is the throughput at most rows by that beside it at none."""
    async with staged() as stage, driving(stage) as driver:
        rows = await growing.grown(stage, driver, on_round, smoke=smoke)
        tenants = await spread(stage, driver, SMOKE_TENANTS if smoke else TENANTS)
        on_round("tenants")
        backlog = await backlogged(stage, driver, SMOKE_BACKLOG if smoke else BACKLOG)
        on_round("backlog")
        load = await loaded(stage, driver, SMOKE_LOAD_SECONDS if smoke else LOAD_SECONDS)
        on_round("load")
    return {
        "rows": rows,
        "tenants": tenants,
        "backlog": backlog,
        "rss_mb": load,
        "ratio_at_most_rows": rows[max(rows, key=int)]["ratio"],
    }


async def spread(stage: Stage, driver: Driver, tenants: int) -> dict[str, float]:
    """Jobs per second of one tenant, and of so many, each with a project and an agent."""
    many = [Workload(tenant, agents=1) for tenant in await _new_tenants(stage, tenants)]
    async with running(WORKER, leading_to(stage.settings)):
        setting_up = [job for one in many for job in one.setting_up()]
        await driver.rate(setting_up, ordered=False)
        alike = interleaved(stage.workload.tasks(tenants))
        mixed = interleaved(life for n, each in enumerate(many) for life in each.tasks(1, first=n))
        return {
            "1": round(await driver.rate(alike, ordered=True), 1),
            str(tenants): round(await driver.rate(mixed, ordered=True), 1),
        }


async def backlogged(stage: Stage, driver: Driver, jobs: int) -> dict[str, float]:
    """Jobs per second while a backlog begins to drain, and how fast it was queued."""
    queued, queuing = await _queue(stage, driver, jobs)
    async with running(WORKER, leading_to(stage.settings)) as (worker,):
        before = await driver.redis.zcard(driver.queue_name)
        while await driver.redis.zcard(driver.queue_name) == before:  # noqa: ASYNC110 - it starts
            await asyncio.sleep(0.01)
        began, left = perf_counter(), before
        while left and perf_counter() - began < BACKLOG_SECONDS:
            await asyncio.sleep(0.05)
            left = await driver.redis.zcard(driver.queue_name)
        seconds, rss = perf_counter() - began, rss_mb(worker.pid)
    await driver.redis.flushall()
    # What waited in the ledger for rows that are gone with the queue would be counted later.
    await driver.postgres.execute("DELETE FROM taskrail.job WHERE status = 'accepted'")
    return {
        "jobs": queued,
        "enqueued_per_second": round(queued / queuing, 1),
        "throughput": round((before - left) / seconds, 1),
        "measured_seconds": round(seconds, 1),
        "left": left,
        "rss_mb": rss,
    }


async def loaded(stage: Stage, driver: Driver, seconds: float) -> list[float]:
    """Resident megabytes of a worker under load, one figure every few seconds."""
    sizes: list[float] = []
    async with running(WORKER, leading_to(stage.settings)) as (worker,):
        until = perf_counter() + seconds
        looked = 0.0
        while perf_counter() < until:
            await driver.rate(stage.workload.stream(LOAD_JOBS), ordered=True)
            if perf_counter() - looked >= LOOK_SECONDS:
                looked = perf_counter()
                sizes.append(rss_mb(worker.pid))
    return sizes


async def _queue(stage: Stage, driver: Driver, jobs: int) -> tuple[int, float]:
    """How many were queued, in how many seconds."""
    started = perf_counter()
    queued = 0
    while queued < jobs:
        stream = stage.workload.stream(min(jobs - queued, 50_000))
        await driver.producer.enqueue_many(stream, ordered=False)
        queued += len(stream)
    return queued, perf_counter() - started


async def _new_tenants(stage: Stage, number: int) -> list[Any]:
    async with opened(stage.settings, "owner") as engine, engine.begin() as connection:
        rows = await connection.execute(
            text(
                "INSERT INTO taskrail.tenant (id, slug, name) SELECT uuidv7(), 'many-' || n, 'Many'"
                " FROM generate_series(1, CAST(:number AS int)) AS n RETURNING id"
            ),
            {"number": number},
        )
        return [row.id for row in rows]
