"""The views that other programs read: what they show, to whom, and that the reference lists it."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db import migrate
from db.engine import Role
from db.reads import views
from jobs.payloads.lifecycle import ClaimTask
from jobs.payloads.task import CommentTask, DeleteTask, NewDependency
from ops import preparation
from ops.checkout import CHECKOUT
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine, batch_engine
from tests.reading import done, made
from tests.seed import seed

VIEWS = ("task_v1", "project_v1", "worker_v1", "event_v1", "dependency_v1", "comment_v1")
REFERENCE = CHECKOUT / "docs" / "reference" / "reads.md"
COLUMNS = text("""
    SELECT relname, array_agg(attname::text ORDER BY attnum) AS columns
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
    WHERE relnamespace = 'taskrail'::regnamespace AND relkind = 'v'
    GROUP BY relname
""")

engine = batch_engine


async def rows_in(connection: AsyncConnection, view: str) -> int:
    found = await connection.scalar(text(f"SELECT count(*) FROM taskrail.{view}"))  # noqa: S608 - a name of ours
    return int(found or 0)


async def surround(engine: Engine, cast: Cast) -> None:
    """A claimed task with a comment, one that waits for it, and a deleted one."""
    task_id, gone = await made(engine, cast, "It", "Gone")
    await made(engine, cast, "After", depends_on=[NewDependency(task_id=task_id)])
    comment = CommentTask(task_id=task_id, comment_id=uuid7(), body="Good")
    await done(engine, cast.by(cast.human, comment))
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=task_id)))
    await done(engine, cast.by(cast.owner, DeleteTask(task_id=gone)))


async def test_the_reader_sees_what_is_live_through_the_views(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await surround(engine, cast)
    seen = {view: await rows_in(reader, view) for view in VIEWS}
    held = await reader.scalar(text("SELECT sum(held_tasks) FROM taskrail.worker_v1"))
    await engine.execute("UPDATE taskrail.project SET deleted_at = clock_timestamp()")

    assert seen == {
        "task_v1": 2, "project_v1": 1, "worker_v1": 3, "event_v1": seen["event_v1"],
        "dependency_v1": 1, "comment_v1": 1,
    }  # fmt: skip
    assert held == 1
    hidden = ("task_v1", "project_v1", "dependency_v1", "comment_v1")
    assert [await rows_in(reader, view) for view in hidden] == [0, 0, 0, 0]


async def test_a_worker_sees_through_the_views_only_what_its_tenants_have(
    engine: Engine, cast: Cast, database: Database
) -> None:
    await surround(engine, cast)

    async with database.engine("worker").connect() as connection:
        undeclared = [await rows_in(connection, view) for view in VIEWS]
        declare = text("SELECT set_config('app.tenants', :tenants, true)")
        await connection.execute(declare, {"tenants": str(uuid7())})
        of_another = [await rows_in(connection, view) for view in VIEWS]
        await connection.execute(declare, {"tenants": str(cast.tenant_id)})
        own = [await rows_in(connection, view) for view in VIEWS]

    assert undeclared == of_another == [0] * len(VIEWS)
    assert 0 not in own


@pytest.mark.parametrize("role", ["keeper", "producer"])
async def test_keeper_and_producer_may_not_read_the_views(database: Database, role: Role) -> None:
    for view in VIEWS:
        async with database.engine(role).connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await rows_in(connection, view)


async def test_the_statements_name_the_columns_that_the_views_have(database: Database) -> None:
    async with database.superuser.connect() as connection:
        there = {row.relname: row.columns for row in await connection.execute(COLUMNS)}

    assert set(there) == set(VIEWS)
    for view in (views.TASK, views.PROJECT, views.WORKER):
        assert {column.name for column in view.columns} == set(there[view.name])


async def test_the_reference_lists_the_columns_of_every_view(database: Database) -> None:
    async with database.superuser.connect() as connection:
        there = {row.relname: row.columns for row in await connection.execute(COLUMNS)}
    rows = re.findall(r"^\| `(\w+_v1)` \| (.+?) \|", REFERENCE.read_text(), re.MULTILINE)

    assert {view: re.findall(r"`(\w+)`", columns) for view, columns in rows} == there


async def test_without_the_extension_the_revision_says_what_to_do_and_preparing_makes_it(
    database: Database,
) -> None:
    owner = database.engine("owner")
    await migrate.downgrade(owner, "0003")
    async with database.superuser.begin() as connection:
        await connection.execute(text("DROP EXTENSION pg_trgm"))

    with pytest.raises(DBAPIError, match="migrate roles"):
        await migrate.upgrade(owner)
    await preparation.migrate(database.settings, "head")

    assert await migrate.current(owner) == migrate.head()


async def test_a_seed_makes_the_same_tasks_for_the_same_number(database: Database) -> None:
    made_of = text("""
        SELECT md5(string_agg(
            concat_ws(' ', title, status, priority, tags, progress), ',' ORDER BY title
        ))
        FROM taskrail.task WHERE tenant_id = :tenant_id
    """)
    digests = []
    for number in (1, 1, 2):
        tenant_id = uuid7()
        await seed(database.engine("owner"), tenant_id, tasks=500, number=number)
        async with database.engine("reader").connect() as connection:
            digests.append(await connection.scalar(made_of, {"tenant_id": tenant_id}))

    assert digests[0] == digests[1] != digests[2]
