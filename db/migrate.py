"""Alembic inside a running event loop: it gets our connection instead of opening one."""

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.models.base import SCHEMA

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60
PAUSE_SECONDS = (0.1, 0.5)
LOCK_NOT_AVAILABLE = "55P03"


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """The schema is at `revision` afterwards, or as it was. The engine acts as owner.

    Raises TimeoutError when others keep the tables locked for a minute.
    """
    await _run(engine, lambda config: command.upgrade(config, revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """The schema is back at `revision` ("base": nothing is left but the version table)."""
    await _run(engine, lambda config: command.downgrade(config, revision))


async def current(engine: AsyncEngine) -> str | None:
    """The revision that the database is at; None where nothing was migrated."""
    async with engine.connect() as connection:
        return await connection.run_sync(_current)


async def check(engine: AsyncEngine) -> str | None:
    """How the models differ from the database as Alembic sees it, or None."""
    try:
        await _run(engine, command.check)
    except CommandError as difference:
        return str(difference)
    return None


def head() -> str | None:
    """The newest revision of this checkout."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    """Alembic talks on stderr: stdout is the command's own document."""
    return Config(ROOT / "alembic.ini", stdout=sys.stderr)


async def _run(engine: AsyncEngine, work: Callable[[Config], Any]) -> None:
    """Each try gives way to live workers quickly (migrations/env.py); so there are many."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not await _has_run(engine, work):
        if monotonic() > deadline:
            raise TimeoutError(
                f"others kept the tables locked for {PATIENCE_SECONDS} s; try again when they rest"
            )
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - jitter, not a secret


async def _has_run(engine: AsyncEngine, work: Callable[[Config], Any]) -> bool:
    """False where a lock was not given in time; what is not committed is undone."""
    config = _config()

    def with_connection(connection: Connection) -> None:
        config.attributes["connection"] = connection
        work(config)

    try:
        async with engine.connect() as connection:
            await connection.run_sync(with_connection)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()
