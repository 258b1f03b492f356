"""Jobs in a database with millions of rows, beside one that has none: they take turns.

The empty one is made anew for each of its turns, a copy of what was there in the beginning, with
its statistics. Both lie in one server, so that what disturbs the machine disturbs both; a ratio is
that of two turns of one round. With no rows, both are the same: how far those ratios are from 1 is
the noise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.arrivals import percentile
from benchmarks.driving import WARMING_JOBS, Driver
from benchmarks.processes import WORKER, leading_to, rss_mb, running
from benchmarks.stage import Stage
from benchmarks.turns import taking_turns
from ops.engines import opened, patient

ROUNDS = {0: 3, 1_000_000: 3, 5_000_000: 7}
"""By number of rows."""
SMOKE_ROUNDS = {0: 1, 10_000: 1}
JOBS, SMOKE_JOBS, SINGLE_JOBS, SMOKE_SINGLE_JOBS = 10_000, 600, 102, 30
STATEMENTS = Path(__file__).with_name("rows.sql")
CHUNK_ROWS = 500_000
WORDS = "CREATE INDEX ix_wording_words ON taskrail.wording USING gin (words gin_trgm_ops)"
TAGS = "CREATE INDEX ix_wording_tags ON taskrail.wording USING gin (tags jsonb_path_ops)"
QUICK = (
    "SET synchronous_commit = off",
    "SET session_replication_role = replica",
    "SET statement_timeout = 0",
    "SET lock_timeout = 0",
    "SET maintenance_work_mem = '1GB'",
)
DATABASE, BEGINNING, EMPTY = "taskrail", "beginning", "nothing"


@dataclass(frozen=True, slots=True)
class Turn:
    """Jobs per second; milliseconds until each outcome, one job at a time; the worker's memory."""

    rate: float
    late: list[float]
    rss_mb: float


async def grown(
    stage: Stage, driver: Driver, on_round: Callable[[str], None], *, smoke: bool
) -> dict[str, Any]:
    """Figures by number of rows; all of them belong to the tenant that works."""
    await driver.postgres.execute(f"CREATE DATABASE {BEGINNING} TEMPLATE {DATABASE}")
    turn = partial(_turn, smoke=smoke)
    contests: dict[str, Callable[[], Awaitable[Turn]]] = {
        "nothing": lambda: _beside(stage, driver, turn),
        "rows": lambda: turn(stage, driver),
    }
    found: dict[str, Any] = {}
    there = 0
    for size, rounds in (SMOKE_ROUNDS if smoke else ROUNDS).items():
        await _fill(stage, there, size)
        there = size
        turns = await taking_turns(contests, rounds, lambda _: None)
        found[str(size)] = _figures(turns["rows"], turns["nothing"])
        on_round(f"{size} rows")
    return found


def _figures(rows: list[Turn], nothing: list[Turn]) -> dict[str, Any]:
    ratios = [full.rate / empty.rate for full, empty in zip(rows, nothing, strict=True)]
    return {
        **_medians(rows),
        "beside_nothing": _medians(nothing),
        "ratio": round(median(ratios), 3),
        "least_ratio": round(min(ratios), 3),
        "most_ratio": round(max(ratios), 3),
    }


def _medians(turns: list[Turn]) -> dict[str, float]:
    late = [one for turn in turns for one in turn.late]
    return {
        "throughput": round(median(turn.rate for turn in turns), 1),
        "p50_ms": percentile(late, 50),
        "p99_ms": percentile(late, 99),
        "rss_mb": median(turn.rss_mb for turn in turns),
    }


async def _turn(stage: Stage, driver: Driver, *, smoke: bool) -> Turn:
    number = SMOKE_JOBS if smoke else JOBS
    async with running(WORKER, leading_to(stage.settings)) as (worker,):
        await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
        rate = await driver.rate(stage.workload.stream(number), ordered=True)
        late = await _alone(stage, driver, SMOKE_SINGLE_JOBS if smoke else SINGLE_JOBS)
        return Turn(rate, late, rss_mb(worker.pid))


async def _alone(stage: Stage, driver: Driver, number: int) -> list[float]:
    """Milliseconds from enqueue until the outcome is known, one job after the other."""
    late: list[float] = []
    for job in stage.workload.stream(number):
        started = perf_counter()
        handle = await driver.producer.enqueue(job)
        await handle.outcome()
        late.append((perf_counter() - started) * 1000)
    return late


async def _beside(
    stage: Stage, driver: Driver, turn: Callable[[Stage, Driver], Awaitable[Turn]]
) -> Turn:
    """A turn in a database as it was in the beginning."""
    await driver.postgres.execute(f"DROP DATABASE IF EXISTS {EMPTY} WITH (FORCE)")
    await driver.postgres.execute(f"CREATE DATABASE {EMPTY} TEMPLATE {BEGINNING}")
    url = stage.settings.resolved_database_url.get_secret_value()
    there = url.replace(f"/{DATABASE}?", f"/{EMPTY}?")
    settings = stage.settings.model_copy(update={"database_url": SecretStr(there)})
    async with _connected(there) as postgres:
        return await turn(replace(stage, settings=settings), replace(driver, postgres=postgres))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


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
