"""Sessions that disturb the workers, as other programs on the same database would.

One holds rows, in the order that workers do not lock them; one writes at SERIALIZABLE; one
terminates the workers' backends. None changes what a row says.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

from pydantic_core import from_json
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ops.engines import opened
from settings import Settings

HOLD_SECONDS = (0.02, 0.3)
LONG_HOLD_SECONDS = 2.5
"""Longer than the workers' lock_timeout."""
LONG_HOLD_SHARE = 0.2
STEP_SECONDS = (0.02, 0.15)
TERMINATE_EVERY_SECONDS = 3.0

BUSY_WORKERS = text(
    "SELECT tenant_id, id FROM taskrail.worker"
    " WHERE last_seen_at > clock_timestamp() - interval '1 minute'"
    " ORDER BY id DESC LIMIT 4"
)
HOLD_WORKER = text(
    "SELECT FROM taskrail.worker WHERE tenant_id = :tenant_id AND id = :id FOR UPDATE"
)
HOLD_TASKS = text(
    "SELECT id FROM taskrail.task WHERE status IN ('pending', 'in_progress')"
    " ORDER BY updated_at DESC LIMIT 5 FOR UPDATE SKIP LOCKED"
)
READ_ALL = text("SELECT status, count(*) FROM taskrail.task GROUP BY status")
TOUCH = text(
    "UPDATE taskrail.task SET title = title WHERE (tenant_id, id) IN ("
    " SELECT tenant_id, id FROM taskrail.task ORDER BY updated_at DESC LIMIT 3)"
)
TERMINATE = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'taskrail worker' AND datname = current_database()"
    " AND pid <> pg_backend_pid()"
)

Rogue = Callable[[AsyncEngine, Random], Awaitable[None]]


@asynccontextmanager
async def rogues(settings: Settings) -> AsyncIterator[None]:
    """They run while the block runs, as the login, which must be a superuser."""
    async with opened(settings, "login") as engine:
        tasks = [asyncio.create_task(_again(rogue, engine)) for rogue in (_hold, _write, _kill)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def retries(log: Path) -> dict[str, int]:
    """How often the workers that wrote this log tried again, by SQLSTATE."""
    counted: Counter[str] = Counter()
    for line in log.read_bytes().splitlines():
        with suppress(ValueError):
            entry = from_json(line)
            if entry.get("event") == "ConflictRetried":
                counted[entry["sqlstate"] or "version guard"] += 1
            elif entry.get("event") == "StoreLost":
                counted["connection lost"] += 1
    return dict(sorted(counted.items()))


async def _again(rogue: Rogue, engine: AsyncEngine) -> None:
    """Whatever the database thinks of it, a rogue does not give up."""
    random = Random(0)  # noqa: S311 - mischief, not a secret
    while True:
        with suppress(DBAPIError, OSError):
            await rogue(engine, random)
        await asyncio.sleep(random.uniform(*HOLD_SECONDS))


async def _hold(engine: AsyncEngine, random: Random) -> None:
    async with engine.connect() as connection:
        await connection.execute(HOLD_TASKS)
        await _hold_workers(connection, random)
        is_long = random.random() < LONG_HOLD_SHARE
        await asyncio.sleep(LONG_HOLD_SECONDS if is_long else random.uniform(*HOLD_SECONDS))


async def _hold_workers(connection: AsyncConnection, random: Random) -> None:
    """One by one from the last to the first: workers lock from the first to the last."""
    for row in (await connection.execute(BUSY_WORKERS)).all():
        await connection.execute(HOLD_WORKER, {"tenant_id": row.tenant_id, "id": row.id})
        await asyncio.sleep(random.uniform(*STEP_SECONDS))


async def _write(engine: AsyncEngine, random: Random) -> None:
    async with engine.connect() as connection:
        strict = await connection.execution_options(isolation_level="SERIALIZABLE")
        await strict.execute(READ_ALL)
        await strict.execute(TOUCH)
        await asyncio.sleep(random.uniform(*HOLD_SECONDS))
        await strict.commit()


async def _kill(engine: AsyncEngine, _: Random) -> None:
    await asyncio.sleep(TERMINATE_EVERY_SECONDS)
    async with engine.connect() as connection:
        await connection.execute(TERMINATE)
