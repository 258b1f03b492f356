"""Statements that asyncpg sends itself behave as those that SQLAlchemy sends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import ARRAY, ColumnClause, bindparam, column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.driver import Driver
from db.repositories.tenants import declare
from jobs.errors import JobConflict, JobDataError, StoreUnavailable
from tests.databases import Database
from tests.failing import failure
from tests.waiting import until

PID = text("SELECT pg_backend_pid()")
SLEEP = text("SELECT pg_sleep(:seconds)")
LISTS = text("SELECT CAST(:lists AS jsonb[])").bindparams(
    bindparam("lists", type_=ARRAY(JSONB(none_as_null=True), dimensions=1))
)


@pytest.fixture
def engine(database: Database) -> AsyncEngine:
    return database.engine("worker")


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as connection:
        await declare(connection, [])
        yield connection


@pytest.fixture
async def driver(connection: AsyncConnection) -> Driver:
    return await Driver.of(connection)


async def test_rows_are_those_that_sqlalchemy_would_give(
    connection: AsyncConnection, driver: Driver
) -> None:
    statement = text("""
        SELECT number, CAST('{"a": [1, null]}' AS jsonb), gen_random_uuid() IS NULL, now()
        FROM generate_series(1, :most) AS number
    """)

    rows = await driver.fetch(statement, {"most": 3})

    asked = await connection.execute(statement, {"most": 3})
    assert [tuple(row) for row in rows] == [tuple(row) for row in asked]
    assert len(rows) == 3


async def test_what_is_written_is_counted(connection: AsyncConnection, driver: Driver) -> None:
    await connection.execute(text("CREATE TEMPORARY TABLE seen (number int)"))
    insert = text("INSERT INTO seen SELECT * FROM unnest(CAST(:numbers AS int[]))")

    assert await driver.execute(insert, {"numbers": [1, 2, 3]}) == 3
    assert await driver.execute(text("UPDATE seen SET number = 0 WHERE number > 1"), {}) == 2
    assert await driver.execute(text("DELETE FROM seen WHERE number > 1"), {}) == 0


async def test_null_in_a_list_of_json_is_nothing_and_not_the_word(driver: Driver) -> None:
    rows = await driver.fetch(LISTS, {"lists": [None, {"a": None}, ["b"]]})

    assert list(rows[0][0]) == [None, {"a": None}, ["b"]]


async def test_outside_of_a_transaction_nothing_is_sent(engine: AsyncEngine) -> None:
    """It would be kept at once."""
    async with engine.connect() as connection:
        driver = await Driver.of(connection)

        with pytest.raises(RuntimeError, match="declare the tenants first"):
            await driver.fetch(PID, {})


async def test_a_statement_whose_text_depends_on_its_values_is_refused(driver: Driver) -> None:
    number: ColumnClause[int] = column("number")
    of_any_length = select(number).where(number.in_([1, 2]))

    with pytest.raises(TypeError, match="always the same"):
        await driver.fetch(of_any_length, {})


async def test_a_missing_value_is_nobodys_job_to_blame(driver: Driver) -> None:
    with pytest.raises(KeyError):
        await driver.fetch(SLEEP, {})


@pytest.mark.parametrize(
    ("statement", "binds", "kind", "sqlstate"),
    [
        (LISTS, {"lists": [{"half": "\ud800"}]}, JobDataError, "22000"),
        (text("SELECT CAST(:text AS text)"), {"text": 7}, JobDataError, "22000"),
        (text("SELECT CAST(:text AS text)"), {"text": "a\x00b"}, JobDataError, "22021"),
        (text("SELECT 1 / CAST(:zero AS int)"), {"zero": 0}, JobDataError, "22012"),
        (text("SELECT nothing FROM taskrail.task"), {}, StoreUnavailable, "42703"),
    ],
)
async def test_errors_mean_what_they_mean_in_sqlalchemy(
    driver: Driver, statement: Any, binds: dict[str, Any], kind: type, sqlstate: str
) -> None:
    error: Any = await failure(driver.fetch(statement, binds))

    assert (type(error), error.sqlstate) == (kind, sqlstate)


async def test_a_plan_that_a_migration_made_stale_is_a_conflict(
    database: Database, connection: AsyncConnection, driver: Driver
) -> None:
    read = text("SELECT * FROM taskrail.tenant")
    await driver.fetch(read, {})
    await connection.rollback()
    async with database.superuser.begin() as migrating:
        await migrating.execute(text("ALTER TABLE taskrail.tenant ADD COLUMN colour text"))
    await declare(connection, [])

    assert type(await failure(driver.fetch(read, {}))) is JobConflict

    await connection.rollback()
    await declare(connection, [])
    assert await driver.fetch(read, {}) == []


async def test_who_is_cut_off_finds_no_store_and_the_next_finds_one(
    database: Database, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        await declare(connection, [])
        driver = await Driver.of(connection)
        pid = (await driver.fetch(PID, {}))[0][0]
        async with database.superuser.connect() as superuser:
            await superuser.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

        error = await failure(driver.fetch(PID, {}))

    assert type(error) is StoreUnavailable
    async with engine.connect() as again:
        assert await again.scalar(PID) != pid


async def test_the_connection_of_who_was_told_to_stop_is_given_to_nobody(
    database: Database, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        await declare(connection, [])
        driver = await Driver.of(connection)
        pid = (await driver.fetch(PID, {}))[0][0]
        sleeping = asyncio.ensure_future(driver.fetch(SLEEP, {"seconds": 60}))
        await until(lambda: _sleeps(database.superuser, pid))

        sleeping.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sleeping
    async with engine.connect() as again:
        assert await again.scalar(PID) != pid


async def _sleeps(superuser: AsyncEngine, pid: int) -> bool:
    async with superuser.connect() as connection:
        asked = text("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = :pid")
        return bool(await connection.scalar(asked, {"pid": pid}))
