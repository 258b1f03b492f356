"""Engines and sessions: one a process and role, bounded, with time-outs that nest.

lock_timeout < statement_timeout < command_timeout: the server gives up before the client does.
"""

from typing import Any, Literal

from pydantic import SecretStr
from pydantic_core import from_json
from sqlalchemy import NullPool, text
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    async_sessionmaker,
    create_async_engine,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from db.driver import json_text
from db.urls import asyncpg_dsn, asyncpg_url, connect_seconds
from settings import Settings

Role = Literal["owner", "worker", "keeper", "reader", "producer", "login"]
"""`login` is the URL's own user, for what belongs to the cluster."""

CONNECT_SECONDS = 10.0
"""The command time-out begins with the first statement, asyncpg's own for connecting is 60 s."""

STATEMENTS_A_TRANSACTION = 6
"""No transaction of the worker's takes as long as so many statements that time out."""
BOUND_TRANSACTIONS = """
    SELECT set_config(name, $1, false) FROM pg_settings WHERE name = 'transaction_timeout'
"""

PINNED_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Generic plans degrade while tables grow (batch 22 to 33 ms measured); pinned they stay flat.

Left to choose, the server plans small batches anew each time: a third of its work (measured).
"""


def create_engine(settings: Settings, role: Role) -> AsyncEngine:
    """An engine whose connections act in `role` from their first statement on."""
    options: dict[str, Any] = (
        {"poolclass": NullPool}
        if settings.external_pooler
        else {
            "pool_size": settings.pool_size,
            "max_overflow": settings.pool_overflow,
            "pool_timeout": settings.pool_timeout_seconds,
            "pool_recycle": settings.pool_recycle_seconds,
            # A ping costs 3 round trips and misses what breaks in a transaction; workers retry.
            "pool_pre_ping": role not in {"worker", "keeper"},
        }
    )
    url = _url(settings, role)
    engine = create_async_engine(
        asyncpg_url(url).get_secret_value(),
        connect_args=_connect_args(settings, role, url),
        json_serializer=json_text,
        json_deserializer=from_json,
        hide_parameters=True,
        **options,
    )
    if role in {"worker", "keeper"} and not settings.external_pooler:
        _bound_transactions(engine, STATEMENTS_A_TRANSACTION * settings.statement_timeout_ms)
    return engine


def create_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions of ORM objects: nothing is flushed by surprise, rows stay usable when committed."""
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False, autoflush=False)


async def check_pool_arithmetic(connection: AsyncConnection, settings: Settings) -> str | None:
    """What is wrong with pools times processes against max_connections, or None."""
    limits = await connection.execute(
        text(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
            # PostgreSQL 16 and later.
            " - coalesce(current_setting('reserved_connections', true)::int, 0)"
        )
    )
    available: int = limits.scalar_one()
    # Two engines a worker process: worker and keeper.
    wanted = 2 * (settings.pool_size + settings.pool_overflow) * settings.processes
    if settings.external_pooler or wanted <= available:
        return None
    return (
        f"{settings.processes} processes may open {wanted} connections, but the server takes"
        f" {available}: lower TASKRAIL_POOL_SIZE, TASKRAIL_POOL_OVERFLOW or TASKRAIL_PROCESSES,"
        " or raise max_connections"
    )


def _bound_transactions(engine: AsyncEngine, longest_ms: int) -> None:
    """PostgreSQL 17 and later end what takes longer; earlier ones have no such setting.

    A worker that freezes between two messages of one statement is not idle for PostgreSQL, nor does
    the time-out of the statement reach it there: without this its locks would stay (found by
    tests/survival/test_crash_points.py).
    """

    def bound(connection: Any, _: object) -> None:
        try:
            cursor = connection.cursor()
            cursor.execute(BOUND_TRANSACTIONS, (str(longest_ms),))
            cursor.close()
            connection.commit()
        # Nobody wraps what is raised here; a new connection that broke is one that failed.
        except engine.dialect.loaded_dbapi.Error as error:
            raise ConnectionError(str(error)) from error

    listen(engine.sync_engine, "connect", bound)


def _url(settings: Settings, role: Role) -> SecretStr:
    return settings.role_urls.get(role) or settings.resolved_database_url


def _connect_args(settings: Settings, role: Role, url: SecretStr) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "dsn": asyncpg_dsn(url).get_secret_value(),
        "timeout": connect_seconds(url, CONNECT_SECONDS),
        "command_timeout": settings.command_timeout_seconds,
    }
    if settings.external_pooler:
        return arguments | {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
    return arguments | {"server_settings": _server_settings(settings, role)}


def _server_settings(settings: Settings, role: Role) -> dict[str, str]:
    given = {
        "application_name": f"taskrail {role}",
        "lock_timeout": str(settings.lock_timeout_ms),
        "statement_timeout": str(settings.statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.statement_timeout_ms),
    }
    if role == "worker":
        given |= PINNED_PLANS
    if role == "reader":
        given["default_transaction_read_only"] = "on"
        # Whether an index serves a search depends on what is searched for.
        given["plan_cache_mode"] = "force_custom_plan"
    return given if role == "login" else given | {"role": f"taskrail_{role}"}
