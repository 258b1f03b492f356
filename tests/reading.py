"""What tests of the reads begin with: tasks that are there, and a connection that sees them."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[AsyncConnection]:
    """In the reader's role; every statement sees what was committed before it."""
    async with database.engine("reader").connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")


async def made(engine: Engine, cast: Cast, *titles: str, **fields: object) -> list[UUID]:
    """The ids of new tasks, a title each, one after another."""
    ids = [uuid7() for _ in titles]
    for task_id, title in zip(ids, titles, strict=True):
        await done(engine, cast.task(task_id, title=title, **fields))
    return ids


async def done(engine: Engine, *jobs: AnyJob) -> None:
    assert set(await engine.statuses(jobs)) == {"applied"}
