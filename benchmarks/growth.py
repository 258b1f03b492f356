"""What grows when the data does: throughput, latency of single jobs, the worker's memory.

`rows`: with so many tasks, and as many ledger rows, in the database before. `backlog`: with so many
jobs in the queue before. `tenants`: the same jobs, of one tenant and of many. `load`: one worker
under load for minutes, its resident memory each few seconds. One worker process throughout.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.driving import Driver, driving
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.stage import Stage, staged
from benchmarks.workload import Workload
from ops.engines import opened, patient

STATEMENTS = Path(__file__).with_name("rows.sql")
ROWS, SMOKE_ROWS = (0, 1_000_000, 5_000_000), (0, 10_000)
BACKLOG, SMOKE_BACKLOG = 1_000_000, 2_000
TENANTS, SMOKE_TENANTS = 10_000, 50
LOAD_SECONDS, SMOKE_LOAD_SECONDS = 600.0, 3.0
BACKLOG_SECONDS = 30.0
JOBS, SMOKE_JOBS, SINGLE_JOBS = 10_000, 700, 200
TIMES, SMOKE_TIMES = 3, 1
CHUNK_ROWS = 500_000
LOOK_SECONDS = 5.0
ROUNDS = len(ROWS) + 3
WORDS = "CREATE INDEX ix_wording_words ON taskrail.wording USING gin (words gin_trgm_ops)"
TAGS = "CREATE INDEX ix_wording_tags ON taskrail.wording USING gin (tags jsonb_path_ops)"
QUICK = (
    "SET synchronous_commit = off",
    "SET session_replication_role = replica",
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
    "SET maintenance_work_mem = '1GB'",
)

Figures = dict[str, float]


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """All parts; ratio_at_most_rows is the throughput at most rows by that at none."""
    async with staged() as stage, driving(stage) as driver:
        rows = await grown(stage, driver, SMOKE_ROWS if smoke else ROWS, on_round, smoke=smoke)
        tenants = await spread(stage, driver, SMOKE_TENANTS if smoke else TENANTS, smoke=smoke)
        on_round("tenants")
        backlog = await backlogged(stage, driver, SMOKE_BACKLOG if smoke else BACKLOG)
        on_round("backlog")
        load = await loaded(stage, driver, SMOKE_LOAD_SECONDS if smoke else LOAD_SECONDS)
        on_round("load")
    none, most = rows["0"], rows[max(rows, key=int)]
    ratio = most["throughput"] / none["throughput"]
    return {
        "rows": rows,
        "tenants": tenants,
        "backlog": backlog,
        "rss_mb": load,
        "ratio_at_most_rows": round(ratio, 3),
    }


async def grown(
    stage: Stage,
    driver: Driver,
    sizes: tuple[int, ...],
    on_round: Callable[[str], None],
    *,
    smoke: bool,
) -> dict[str, Figures]:
    """Figures by number of rows; all of them belong to the tenant that works."""
    found: dict[str, Figures] = {}
    there = 0
    for size in sizes:
        await _fill(stage, there, size)
        there = size
        found[str(size)] = await _figures(stage, driver, stage.workload, smoke=smoke)
        on_round(f"{size} rows")
    return found


async def spread(stage: Stage, driver: Driver, tenants: int, *, smoke: bool) -> dict[str, float]:
    """Jobs per second of one tenant, and of so many, each with a project and an agent."""
    many = [Workload(tenant, agents=1) for tenant in await _new_tenants(stage, tenants)]
    number = SMOKE_JOBS if smoke else JOBS
    async with running(WORKER, leading_to(stage.settings)):
        setting_up = [job for one in many for job in one.setting_up()]
        await driver.rate(setting_up, ordered=False)
        one = await driver.rate(stage.workload.stream(number), ordered=True)
        each = -(-number // len(many))
        streams = [one_of_many.stream(each) for one_of_many in many]
        mixed = [job for step in zip(*streams, strict=True) for job in step]
        return {"1": round(one, 1), str(tenants): round(await driver.rate(mixed, ordered=True), 1)}


async def backlogged(stage: Stage, driver: Driver, jobs: int) -> dict[str, float]:
    """Jobs per second that drain a backlog, and how long it took to queue it."""
    started = perf_counter()
    queued = 0
    while queued < jobs:
        stream = stage.workload.stream(min(jobs - queued, 50_000))
        await driver.producer.enqueue_many(stream, ordered=False)
        queued += len(stream)
    queuing = perf_counter() - started
    async with running(WORKER, leading_to(stage.settings)) as (worker,):
        before = await driver.redis.zcard(driver.queue_name)
        while await driver.redis.zcard(driver.queue_name) == before:  # noqa: ASYNC110 - it starts
            await asyncio.sleep(0.01)
        began = perf_counter()
        left = before
        while left and perf_counter() - began < BACKLOG_SECONDS:
            await asyncio.sleep(0.05)
            left = await driver.redis.zcard(driver.queue_name)
        ended, rss = perf_counter(), _rss_mb(worker.pid)
    await driver.redis.flushall()
    # What waited in the ledger for rows that are gone with the queue would be counted later.
    await driver.postgres.execute("DELETE FROM taskrail.job WHERE status = 'accepted'")
    return {
        "jobs": queued,
        "enqueued_per_second": round(queued / queuing, 1),
        "throughput": round((before - left) / (ended - began), 1),
        "rss_mb": rss,
    }


async def loaded(stage: Stage, driver: Driver, seconds: float) -> list[float]:
    """Resident megabytes of a worker under load, one figure every few seconds."""
    sizes: list[float] = []
    async with running(WORKER, leading_to(stage.settings)) as (worker,):
        until = perf_counter() + seconds
        looked = 0.0
        while perf_counter() < until:
            await driver.rate(stage.workload.stream(SMOKE_JOBS * 4), ordered=True)
            if perf_counter() - looked >= LOOK_SECONDS:
                looked = perf_counter()
                sizes.append(_rss_mb(worker.pid))
    return sizes


async def _figures(stage: Stage, driver: Driver, workload: Workload, *, smoke: bool) -> Figures:
    number = SMOKE_JOBS if smoke else JOBS
    async with running(WORKER, leading_to(stage.settings)) as (worker,):
        await driver.rate(workload.stream(SMOKE_JOBS), ordered=True)
        times = range(SMOKE_TIMES if smoke else TIMES)
        rates = [await driver.rate(workload.stream(number), ordered=True) for _ in times]
        late = await _alone(driver, workload)
        return {
            "throughput": round(median(rates), 1),
            "p50_ms": round(median(late), 2),
            "p99_ms": round(quantiles(late, n=100)[98], 2),
            "rss_mb": _rss_mb(worker.pid),
        }


async def _alone(driver: Driver, workload: Workload) -> list[float]:
    """Milliseconds from enqueue until the outcome is known, one job after the other."""
    late: list[float] = []
    for job in workload.stream(SINGLE_JOBS)[:SINGLE_JOBS]:
        started = perf_counter()
        handle = await driver.producer.enqueue(job)
        await handle.outcome()
        late.append((perf_counter() - started) * 1000)
    return late


async def _fill(stage: Stage, there: int, wanted: int) -> None:
    """So many rows are there, without history; statistics are fresh."""
    if wanted == there:
        return
    async with opened(patient(stage.settings), "login") as engine, engine.connect() as borrowed:
        connection = await borrowed.execution_options(isolation_level="AUTOCOMMIT")
        for setting in QUICK:
            await connection.execute(text(setting))
        for index in ("ix_wording_words", "ix_wording_tags"):
            await connection.execute(text(f"DROP INDEX taskrail.{index}"))
        for first in range(there + 1, wanted + 1, CHUNK_ROWS):
            await _insert(connection, stage, first, min(first + CHUNK_ROWS - 1, wanted))
        for index in (WORDS, TAGS):
            await connection.execute(text(index))
        await connection.execute(text("VACUUM (ANALYZE)"))
        await connection.execute(text("CHECKPOINT"))


async def _insert(connection: AsyncConnection, stage: Stage, first: int, last: int) -> None:
    binds: Mapping[str, Any] = {
        "tenant_id": stage.workload.tenant_id,
        "project_id": stage.workload.project_id,
        "worker_id": stage.workload.agents[0],
        "first": first,
        "last": last,
    }
    for statement in STATEMENTS.read_text(encoding="utf-8").rstrip(";\n").split(";\n\n"):
        wanted = {name: value for name, value in binds.items() if f":{name}" in statement}
        await connection.execute(text(statement), wanted)


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


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(kilobytes) / 1024, 1)
