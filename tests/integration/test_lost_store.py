"""A store that is away, in each of its ways, is nobody's fault: no job pays for it."""

import asyncio

import pytest
from asyncpg.exceptions import InternalClientError
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.conflicts import translate
from db.engine import create_engine
from jobs.errors import StoreUnavailable
from tests.databases import Database
from tests.failing import failure
from tests.rogues import PATIENT
from tests.waiting import until


@pytest.mark.parametrize("when", ["idle", "running"])
async def test_a_connection_that_is_cut_means_no_store(database: Database, when: str) -> None:
    """As the server would end nothing by itself for a good while."""
    engine = create_engine(database.settings.model_copy(update=PATIENT), "worker")
    async with engine.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        if when == "idle":
            await terminate(database.superuser, pid)
            error = await failure(connection.execute(text("SELECT 1")))
        else:
            sleeping = asyncio.ensure_future(connection.execute(text("SELECT pg_sleep(60)")))
            await until(lambda: is_active(database.superuser, pid))
            await terminate(database.superuser, pid)
            error = await failure(sleeping)

    assert type(error) is StoreUnavailable
    async with engine.connect() as again:
        assert await again.scalar(text("SELECT 1")) == 1
    await engine.dispose()


async def test_a_server_that_is_not_there_means_no_store(database: Database) -> None:
    urls = [
        "postgresql://a@127.0.0.1:1/d",
        "postgresql://a@/d?host=/nowhere",
        "postgresql://a@nowhere.invalid/d",
    ]
    for url in urls:
        settings = database.settings.model_copy(update={"database_url": SecretStr(url)})
        engine = create_engine(settings, "worker")

        assert type(await failure(connected(engine))) is StoreUnavailable, url


async def test_a_database_or_role_that_is_not_there_means_no_store(database: Database) -> None:
    good = database.settings.resolved_database_url.get_secret_value()
    for bad in (good.replace("/test_", "/gone_"), good.replace("postgres@", "nobody@")):
        assert bad != good
        settings = database.settings.model_copy(update={"database_url": SecretStr(bad)})

        assert type(await failure(connected(create_engine(settings, "worker")))) is StoreUnavailable


async def test_a_pool_without_a_free_connection_means_no_store(database: Database) -> None:
    narrow = {"pool_size": 1, "pool_overflow": 0, "pool_timeout_seconds": 0.01}
    engine = create_engine(database.settings.model_copy(update=narrow), "worker")

    async with engine.connect():
        error = await failure(connected(engine))

    assert type(error) is StoreUnavailable
    await engine.dispose()


async def test_an_answer_that_does_not_come_means_no_store(database: Database) -> None:
    """The server would take longer, and the driver's own questions at the beginning take less."""
    hasty = database.settings.model_copy(update=PATIENT | {"command_timeout_seconds": 1.0})
    engine = create_engine(hasty, "worker")
    async with engine.connect() as connection:
        error = await failure(connection.execute(text("SELECT pg_sleep(60)")))

    assert type(error) is StoreUnavailable
    await engine.dispose()


def test_a_driver_that_lost_its_own_thread_means_no_store() -> None:
    """A race in asyncpg between a cut connection and the next statement (its issue 1069)."""
    error = InternalClientError("cannot switch to state 12; another operation (2) is in progress")

    assert type(translate(error)) is StoreUnavailable


async def connected(engine: AsyncEngine) -> None:
    async with engine.connect():
        pass


async def terminate(superuser: AsyncEngine, pid: int) -> None:
    """The backend is gone when this returns."""
    async with superuser.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


async def is_active(superuser: AsyncEngine, pid: int) -> bool:
    async with superuser.connect() as connection:
        asked = text("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = :pid")
        return bool(await connection.scalar(asked, {"pid": pid}))
