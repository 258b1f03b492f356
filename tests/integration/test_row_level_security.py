"""What each role sees and may do: policies for tenants, grants for acts."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Role
from tests.databases import Database
from tests.planting import Planted, insert, plant
from tests.refusing import NOT_ALLOWED, refused, sqlstate

WRITTEN_BY_WORKER = (
    "project", "worker", "member", "task", "lease", "dependency", "comment", "event", "outbox",
    "tally", "job",
)  # fmt: skip
OF_TENANTS = (*WRITTEN_BY_WORKER, "wording", "intervention")
"""A trigger makes a task's wording."""
SEEN_BY_WORKER = ("project", "worker", "member", "task", "lease", "dependency", "comment", "job")


@pytest.fixture
async def tenants(database: Database) -> list[Planted]:
    """Three tenants, each with a row in every table."""
    async with database.superuser.begin() as connection:
        planted = [await plant(connection) for _ in range(3)]
        for tenant in planted:
            for table in (*WRITTEN_BY_WORKER, "intervention"):
                await insert(connection, table, tenant.row(table))
    return planted


@pytest.mark.parametrize("declared", [None, ""])
async def test_a_worker_that_declares_no_tenant_sees_nothing(
    database: Database, tenants: list[Planted], declared: str | None
) -> None:
    assert tenants
    async with database.engine("worker").connect() as connection:
        if declared is not None:
            await connection.execute(text("SELECT set_config('app.tenants', '', true)"))

        for table in ("tenant", *SEEN_BY_WORKER):
            assert await tenants_in(connection, table) == set()


async def test_a_worker_sees_the_tenants_it_declares_and_no_others(
    database: Database, tenants: list[Planted]
) -> None:
    async with database.engine("worker").connect() as connection:
        await declare(connection, tenants[:2])

        for table in ("tenant", *SEEN_BY_WORKER):
            assert await tenants_in(connection, table) == {t.tenant_id for t in tenants[:2]}


async def test_what_was_declared_ends_with_the_transaction(
    database: Database, tenants: list[Planted]
) -> None:
    async with database.engine("worker").connect() as connection:
        await declare(connection, tenants)
        await connection.commit()

        assert await tenants_in(connection, "task") == set()


@pytest.mark.parametrize("table", WRITTEN_BY_WORKER)
async def test_a_worker_writes_nothing_for_a_tenant_it_did_not_declare(
    database: Database, tenants: list[Planted], table: str
) -> None:
    mine, other = tenants[0], tenants[1]
    async with database.engine("worker").connect() as connection:
        await declare(connection, [mine])

        with pytest.raises(DBAPIError, match="row-level security"):
            await insert(connection, table, other.row(table))


async def test_a_worker_changes_no_row_of_a_tenant_it_did_not_declare(
    database: Database, tenants: list[Planted]
) -> None:
    async with database.engine("worker").connect() as connection:
        await declare(connection, tenants[:1])

        changed = await connection.execute(text("UPDATE taskrail.task SET progress = 1"))
        ended = await connection.execute(text("DELETE FROM taskrail.lease"))

    assert (changed.rowcount, ended.rowcount) == (2 + 1, 1)


async def test_a_worker_cannot_move_a_row_to_a_tenant_it_did_not_declare(
    database: Database, tenants: list[Planted]
) -> None:
    async with database.engine("worker").connect() as connection:
        await declare(connection, tenants[:1])

        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(
                text("UPDATE taskrail.comment SET tenant_id = :tenant_id"),
                {"tenant_id": tenants[1].tenant_id},
            )


async def test_the_reader_and_the_owner_see_all_tenants_undeclared(
    database: Database, tenants: list[Planted]
) -> None:
    roles: tuple[Role, ...] = ("reader", "owner")
    for role in roles:
        async with database.engine(role).connect() as connection:
            for table in ("tenant", *OF_TENANTS):
                assert await tenants_in(connection, table) >= {t.tenant_id for t in tenants}


async def test_the_keeper_sees_all_tenants_where_its_loops_need_to(
    database: Database, tenants: list[Planted]
) -> None:
    async with database.engine("keeper").connect() as connection:
        for table in ("tenant", "project", "lease", "job", "outbox", "tally"):
            assert await tenants_in(connection, table) >= {t.tenant_id for t in tenants}


WORKER_MAY_NOT = [
    "DELETE FROM taskrail.task",
    "DELETE FROM taskrail.job",
    "DELETE FROM taskrail.event",
    "UPDATE taskrail.event SET title = 'Another'",
    "DELETE FROM taskrail.outbox",
    "DELETE FROM taskrail.tally",
    "DELETE FROM taskrail.wording",
    "DELETE FROM taskrail.intervention",
    "UPDATE taskrail.tenant SET suspended_at = NULL",
    "SELECT raw FROM taskrail.dead_letter",
    "TRUNCATE taskrail.task",
    "ALTER TABLE taskrail.task DISABLE ROW LEVEL SECURITY",
    "CREATE TABLE taskrail.mine (id int)",
    "SELECT * FROM taskrail.record('[]')",
]
KEEPER_MAY_NOT = [
    "SELECT title FROM taskrail.task",
    "SELECT error FROM taskrail.job",
    "SELECT description FROM taskrail.project",
    "UPDATE taskrail.job SET outcome = NULL",
    "UPDATE taskrail.project SET name = 'Another'",
    "UPDATE taskrail.lease SET expires_at = now()",
    "DELETE FROM taskrail.lease",
    "SELECT * FROM taskrail.record('[]')",
]
READER_MAY_NOT = [
    "UPDATE taskrail.task SET title = 'Another'",
    "DELETE FROM taskrail.lease",
    "INSERT INTO taskrail.tenant (id, slug, name) VALUES (gen_random_uuid(), 's', 'n')",
    "SELECT * FROM taskrail.record('[]')",
]
PRODUCER_MAY_NOT = [
    "SELECT id FROM taskrail.job",
    "SELECT id FROM taskrail.tenant",
    "INSERT INTO taskrail.tenant (id, slug, name) VALUES (gen_random_uuid(), 's', 'n')",
    "SELECT taskrail.require_recordable('{}')",
]


async def test_a_worker_may_not_forget_rewrite_or_rule(database: Database) -> None:
    assert await refused(database.engine("worker"), WORKER_MAY_NOT) == WORKER_MAY_NOT


async def test_the_keeper_may_not_read_content_nor_decide_about_tasks(database: Database) -> None:
    assert await refused(database.engine("keeper"), KEEPER_MAY_NOT) == KEEPER_MAY_NOT


async def test_the_reader_may_not_write(database: Database) -> None:
    assert await refused(database.engine("reader"), READER_MAY_NOT) == READER_MAY_NOT


async def test_a_producer_may_record_and_nothing_else(database: Database) -> None:
    async with database.superuser.connect() as connection:
        await connection.execute(text("SET ROLE taskrail_producer"))

        for statement in PRODUCER_MAY_NOT:
            assert await sqlstate(connection, statement) == NOT_ALLOWED, statement
        assert await sqlstate(connection, "SELECT * FROM taskrail.record('[]')") is None


async def declare(connection: AsyncConnection, tenants: Sequence[Planted]) -> None:
    ids = ",".join(str(tenant.tenant_id) for tenant in tenants)
    await connection.execute(text("SELECT set_config('app.tenants', :ids, true)"), {"ids": ids})


async def tenants_in(connection: AsyncConnection, table: str) -> set[Any]:
    key = "id" if table == "tenant" else "tenant_id"
    statement = text(f"SELECT DISTINCT {key} FROM taskrail.{table}")  # noqa: S608 - our names
    return set(await connection.scalars(statement))
