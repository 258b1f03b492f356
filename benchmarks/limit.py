"""How much of what the servers can do at all the product reaches.

`postgres`: the product's own writing statements (ledger, tasks, leases, comments, events, outbox,
counters), recorded with their arrays while it applied the jobs, and written once more by one
asyncpg connection in the worker's role, one statement after the other: the same rows, 200 jobs a
commit, no reading, no thinking.
`redis`: the same bytes enqueued, taken and settled by the product's own scripts, and nothing else,
over several connections at once; `redis_busy`, the share of that time in which the server's process
had a processor, says how far Valkey is the limit, and how far the Python that feeds it.
`product`: end to end, one worker process. All in one run, rounds interleaved; medians of jobs/s.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
from arq.connections import ArqRedis
from sqlalchemy import Executable

from benchmarks.driving import WARMING_JOBS, Driver, driving
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.stage import Stage, staged
from db.driver import Driver as PostgresDriver
from db.driver import compiled
from db.unit_of_work import UnitOfWork
from jobs.envelope import AnyJob
from jobs.wire import job_payload, put
from worker.apply import apply
from worker.deliveries import Delivery
from worker.queue.holding import script
from worker.results import KEEP_RESULT_SECONDS

ROUNDS, SMOKE_ROUNDS = 5, 1
JOBS, SMOKE_JOBS = 7_000, 700
BATCH_JOBS = 200
CONNECTIONS = 4
WRITTEN = "task, wording, lease, comment, event, outbox, tally, job, dependency"
DECLARE = "SELECT set_config('app.tenants', $1, true)"
QUEUE = "taskrail:limit"
MANY_BYTES, HOLD_MS = 2**30, 60_000
RESULT = b"{" + b" " * 398 + b"}"
"""As large as a usual one."""

Statement = tuple[str, tuple[Any, ...]]
Transaction = list[Statement]


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, float]:
    """Medians of jobs per second: postgres, redis, product; fraction_of_postgres, redis_busy."""
    rates: dict[str, list[float]] = {"postgres": [], "redis": [], "product": []}
    busy: list[float] = []
    async with staged() as stage, driving(stage) as driver, _connection(stage) as connection:
        for number in range(SMOKE_ROUNDS if smoke else ROUNDS):
            jobs = stage.workload.stream(SMOKE_JOBS if smoke else JOBS)
            rate, share = await _redis_rate(stage, jobs)
            rates["redis"].append(rate)
            busy.append(share)
            transactions = await _recorded(stage, jobs)
            await _empty(driver)
            rates["postgres"].append(
                len(jobs) / await _written_again(connection, transactions, stage.workload.tenant_id)
            )
            rates["product"].append(await _product_rate(stage, driver, smoke=smoke))
            on_round(f"round {number + 1}")
    medians = {name: round(median(values), 1) for name, values in rates.items()}
    fraction = medians["product"] / medians["postgres"]
    return medians | {
        "fraction_of_postgres": round(fraction, 3),
        "redis_busy": round(median(busy), 2),
    }


async def _recorded(stage: Stage, jobs: list[AnyJob]) -> list[Transaction]:
    """What the product writes for these jobs, a list of statements for each commit."""
    with _listening() as transactions:
        for start in range(0, len(jobs), BATCH_JOBS):
            batch = jobs[start : start + BATCH_JOBS]
            await apply([Delivery(str(job.id), job) for job in batch], stage.runtime)
    return transactions


@contextmanager
def _listening() -> Iterator[list[Transaction]]:
    """What is written meanwhile."""
    transactions: list[Transaction] = []
    statements: Transaction = []
    execute, commit = PostgresDriver.execute, UnitOfWork.commit

    async def hear(driver: PostgresDriver, statement: Executable, binds: Mapping[str, Any]) -> int:
        heard = compiled(statement)
        statements.append((heard.text, tuple(heard.arguments(binds))))
        return await execute(driver, statement, binds)

    async def end(uow: UnitOfWork) -> None:
        await commit(uow)
        transactions.append(statements[:])
        statements.clear()

    with patch.object(PostgresDriver, "execute", hear), patch.object(UnitOfWork, "commit", end):
        yield transactions


async def _empty(driver: Driver) -> None:
    """As before the jobs were applied: their rows are gone, those of the people are there."""
    await driver.postgres.execute("SET session_replication_role = replica")
    await driver.postgres.execute(
        "TRUNCATE " + ", ".join(f"taskrail.{name}" for name in WRITTEN.split(", "))
    )
    await driver.postgres.execute("SET session_replication_role = origin")


async def _written_again(
    connection: "asyncpg.Connection[asyncpg.Record]",
    transactions: list[Transaction],
    tenant_id: UUID,
) -> float:
    """Seconds for all of them, one after the other, each committed."""
    texts = {statement for transaction in transactions for statement, _ in transaction}
    prepared = {statement: await connection.prepare(statement) for statement in sorted(texts)}
    started = perf_counter()
    for transaction in transactions:
        async with connection.transaction():
            await connection.execute(DECLARE, str(tenant_id))
            for statement, parameters in transaction:
                await prepared[statement].fetch(*parameters)
    return perf_counter() - started


@asynccontextmanager
async def _connection(stage: Stage) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """One connection as the worker has it, with its role and its pinned plans."""
    async with stage.runtime.engine.connect() as borrowed:
        raw = await borrowed.get_raw_connection()
        driver_connection = raw.driver_connection
        if driver_connection is None:
            raise RuntimeError("there is no connection")
        yield driver_connection


async def _redis_rate(stage: Stage, jobs: list[AnyJob]) -> tuple[float, float]:
    """Jobs per second, and the server's own processor seconds per second."""
    redis = stage.runtime.redis
    entries = [(str(job.id), job_payload(job)) for job in jobs]
    shares = [entries[first::CONNECTIONS] for first in range(CONNECTIONS)]
    used, started = await _used_seconds(redis), perf_counter()
    await asyncio.gather(*(put(redis, QUEUE, share) for share in shares))
    await asyncio.gather(*(_taken_and_settled(redis) for _ in shares))
    seconds, used = perf_counter() - started, await _used_seconds(redis) - used
    if await redis.zcard(QUEUE):
        raise RuntimeError("not all were settled")
    return len(entries) / seconds, used / seconds


async def _taken_and_settled(redis: ArqRedis) -> None:
    """The scripts alone: payloads and results are bytes already, and nobody reads them."""
    take, settle = script(redis, "take"), script(redis, "settle")
    more = True
    while more:
        more, taken = await take([QUEUE], ["token", HOLD_MS, BATCH_JOBS, MANY_BYTES, 1])
        endings = [part for entry in taken for part in (0, entry[1], "token", "done", RESULT, "")]
        await settle([QUEUE], [KEEP_RESULT_SECONDS * 1000, 0, *endings])


async def _used_seconds(redis: ArqRedis) -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


async def _product_rate(stage: Stage, driver: Driver, *, smoke: bool) -> float:
    """End to end, after a round that warms the worker up."""
    async with running(WORKER, leading_to(stage.settings)):
        await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
        jobs = stage.workload.stream(SMOKE_JOBS if smoke else JOBS)
        return await driver.rate(jobs, ordered=True)
