"""What really comes out of the driver, and what it is called in the house: made, not imagined."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.conflicts import translate, translated
from db.engine import create_engine
from jobs.errors import JobConflict, JobDataError, JobRejected, StoreUnavailable
from tests.databases import Database
from tests.failing import failure
from tests.planting import Planted, insert, plant

Errors = dict[str, tuple[type[Exception], str | None]]
BROKEN_STATEMENTS: Errors = {
    # A value of one job.
    "SELECT 1 / 0": (JobDataError, "22012"),
    "SELECT 'x'::uuid": (JobDataError, "22P02"),
    "SELECT 9999999999::int": (JobDataError, "22003"),
    "SELECT '\"\\u0000\"'::jsonb": (JobDataError, "22P05"),
    # A deploy gone wrong: no job is to blame.
    "SELECT nothing FROM taskrail.task": (StoreUnavailable, "42703"),
    "SELECT 1 FROM taskrail.nothing": (StoreUnavailable, "42P01"),
    "SELEC": (StoreUnavailable, "42601"),
    "SET default_transaction_isolation = 'none'": (JobDataError, "22023"),
}
BY_SQLSTATE: Errors = {
    "40001": (JobConflict, "40001"),
    "40P01": (JobConflict, "40P01"),
    "55P03": (JobConflict, "55P03"),
    "57014": (JobConflict, "57014"),
    "22023": (JobDataError, "22023"),
    "23505": (JobDataError, "23505"),
    "25006": (StoreUnavailable, "25006"),
    "28000": (StoreUnavailable, "28000"),
    "42501": (StoreUnavailable, "42501"),
    "54000": (JobDataError, "54000"),
    "54001": (JobDataError, "54001"),
    "53100": (StoreUnavailable, "53100"),
    "53200": (StoreUnavailable, "53200"),
    "57P03": (StoreUnavailable, "57P03"),
    "XX000": (StoreUnavailable, "XX000"),
    "P0001": (StoreUnavailable, "P0001"),
}


@pytest.fixture
async def worker(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.engine("worker").connect() as connection:
        yield connection


@pytest.fixture
async def planted(database: Database) -> Planted:
    async with database.superuser.begin() as connection:
        return await plant(connection)


@pytest.mark.parametrize("statement", BROKEN_STATEMENTS)
async def test_a_broken_statement_belongs_to_a_job_or_to_nobody(
    worker: AsyncConnection, statement: str
) -> None:
    kind, sqlstate = BROKEN_STATEMENTS[statement]

    error: Any = await failure(worker.execute(text(statement)))

    assert (type(error), error.sqlstate) == (kind, sqlstate)


@pytest.mark.parametrize("raised", BY_SQLSTATE)
async def test_what_the_server_raises_is_judged_by_its_sqlstate(
    worker: AsyncConnection, raised: str
) -> None:
    kind, sqlstate = BY_SQLSTATE[raised]
    block = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{raised}'; END $$"

    error: Any = await failure(worker.execute(text(block)))

    assert (type(error), error.sqlstate) == (kind, sqlstate)


async def test_a_violation_names_its_constraint(database: Database, planted: Planted) -> None:
    violations: dict[str | None, tuple[str, dict[str, Any]]] = {
        "ck_task_title_length": ("task", {"title": ""}),
        "pk_task": ("task", {"id": planted.task_id}),
        "fk_task_tenant_id_project_id": ("task", {"project_id": planted.tenant_id}),
        None: ("task", {"title": None}),
    }
    for constraint, (table, wrong) in violations.items():
        async with database.superuser.connect() as connection:
            error: Any = await failure(insert(connection, table, planted.row(table) | wrong))

        assert (type(error), error.constraint) == (JobDataError, constraint)
        assert error.sqlstate.startswith("23")


async def test_nul_in_a_text_and_a_wrong_type_belong_to_a_job(worker: AsyncConnection) -> None:
    asked = text("SELECT CAST(:value AS text)")
    nul: Any = await failure(worker.execute(asked, {"value": "a\x00b"}))
    await worker.rollback()
    wrong: Any = await failure(worker.execute(asked, {"value": 7}))

    assert (type(nul), nul.sqlstate) == (JobDataError, "22021")
    assert type(wrong) is JobDataError
    assert wrong.sqlstate.startswith("22")


async def test_a_value_that_cannot_even_be_sent_belongs_to_a_job(worker: AsyncConnection) -> None:
    asked = text("SELECT :value").bindparams(bindparam("value", type_=JSONB))

    error: Any = await failure(worker.execute(asked, {"value": {"half": "\ud800"}}))

    assert (type(error), error.sqlstate) == (JobDataError, "22000")


async def test_a_role_that_is_not_there_is_no_jobs_fault(database: Database) -> None:
    """The server says 22023, invalid value, as of a job's value."""
    url = f"{database.settings.resolved_database_url.get_secret_value()}&options=-c role=nobody"
    settings = database.settings.model_copy(update={"database_url": SecretStr(url)})
    engine = create_engine(settings, "login")

    error: Any = await failure(engine.connect())

    assert (type(error), error.sqlstate) == (StoreUnavailable, "22023")


async def test_a_lock_that_is_not_given_in_time_is_a_conflict(
    database: Database, worker: AsyncConnection, planted: Planted
) -> None:
    async with database.superuser.connect() as holder:
        await holder.execute(text("SELECT FROM taskrail.task FOR UPDATE"))
        await declare(worker, planted)
        await worker.execute(text("SET LOCAL lock_timeout = '10ms'"))

        error: Any = await failure(worker.execute(text("SELECT FROM taskrail.task FOR UPDATE")))

    assert (type(error), error.sqlstate) == (JobConflict, "55P03")


async def test_a_statement_that_takes_too_long_is_a_conflict(worker: AsyncConnection) -> None:
    await worker.execute(text("SET LOCAL statement_timeout = '10ms'"))

    error: Any = await failure(worker.execute(text("SELECT pg_sleep(10)")))

    assert (type(error), error.sqlstate) == (JobConflict, "57014")


async def test_of_two_in_a_deadlock_one_has_a_conflict(
    database: Database, planted: Planted
) -> None:
    lock = text("SELECT FROM taskrail.task WHERE id = :id FOR UPDATE")
    tasks = [{"id": planted.task_id}, {"id": planted.other_task_id}]
    async with database.superuser.connect() as one, database.superuser.connect() as two:
        for connection in (one, two):
            await connection.execute(text("SET LOCAL lock_timeout = 0"))
        await one.execute(lock, tasks[0])
        await two.execute(lock, tasks[1])

        ended = await asyncio.gather(
            one.execute(lock, tasks[1]), two.execute(lock, tasks[0]), return_exceptions=True
        )

    [error] = [each for each in ended if isinstance(each, BaseException)]
    conflict: Any = translate(error)
    assert (type(conflict), conflict.sqlstate) == (JobConflict, "40P01")


@pytest.mark.parametrize("at_commit", [False, True])
async def test_a_serialization_failure_is_a_conflict_also_at_commit(
    database: Database,
    planted: Planted,
    at_commit: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    level = "SERIALIZABLE" if at_commit else "REPEATABLE READ"
    begin = text(f"SET TRANSACTION ISOLATION LEVEL {level}")
    read = text("SELECT sum(progress) FROM taskrail.task")
    change = text("UPDATE taskrail.task SET progress = progress + 1 WHERE id = :id")
    ids = [planted.task_id, planted.other_task_id if at_commit else planted.task_id]
    async with database.superuser.connect() as one, database.superuser.connect() as two:
        for connection in (one, two):
            await connection.execute(begin)
            await connection.execute(read)
        await one.execute(change, {"id": ids[0]})
        if at_commit:
            await two.execute(change, {"id": ids[1]})
        await one.commit()

        error: Any = await failure(
            two.commit() if at_commit else two.execute(change, {"id": ids[1]})
        )

    assert (type(error), error.sqlstate) == (JobConflict, "40001")


async def test_a_plan_that_a_migration_made_stale_is_a_conflict_once(database: Database) -> None:
    asked = text("SELECT * FROM taskrail.tenant")
    async with database.engine("worker").connect() as connection:
        await connection.execute(asked)
        await connection.commit()
        async with database.engine("owner").begin() as owner:
            await owner.execute(text("ALTER TABLE taskrail.tenant ADD COLUMN colour text"))

        error = await failure(connection.execute(asked))
        await connection.rollback()
        again = await connection.execute(asked)

    assert type(error) is JobConflict
    assert "colour" in set(again.keys())


async def test_going_on_after_an_error_is_nobodys_job(worker: AsyncConnection) -> None:
    with pytest.raises(DBAPIError):
        await worker.execute(text("SELECT 1 / 0"))

    error: Any = await failure(worker.execute(text("SELECT 1")))

    assert (type(error), error.sqlstate) == (StoreUnavailable, "25P02")


@pytest.mark.parametrize("error", [ValueError("x"), JobRejected("x"), KeyError(1)])
def test_what_is_no_drivers_error_passes_unchanged(error: Exception) -> None:
    assert translate(error) is None
    with pytest.raises(type(error)) as caught, translated():
        raise error
    assert caught.value is error


async def test_the_drivers_error_stays_the_cause_and_its_values_stay_out(
    worker: AsyncConnection,
) -> None:
    asked = text("SELECT CAST(:value AS text)::uuid")

    error = await failure(worker.execute(asked, {"value": "x"}))

    assert isinstance(error.__cause__, DBAPIError)
    assert "SELECT" not in str(error)


async def declare(connection: AsyncConnection, planted: Planted) -> None:
    tenant = {"id": str(planted.tenant_id)}
    await connection.execute(text("SELECT set_config('app.tenants', :id, true)"), tenant)
