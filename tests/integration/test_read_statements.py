"""Every read takes as many statements for 100 rows as for 1, counted by the server."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.reads.activity import activity
from db.reads.counts import counts_by_status
from db.reads.deletions import deletions
from db.reads.one_task import one_task
from db.reads.paging import MAX_LIMIT
from db.reads.projects import list_projects, one_project
from db.reads.ready import ready_tasks
from db.reads.subtree import subtree
from db.reads.task_list import count_tasks, list_tasks
from db.reads.time_travel import history
from db.reads.workers import completions, list_workers
from jobs.payloads.lifecycle import ClaimTask, CompleteTask
from jobs.payloads.task import DeleteTask, NewDependency
from tests.asking import Cast
from tests.engine import Engine, batch_engine
from tests.reading import done
from tests.statements import count_anew, number_run

MANY = 100
WEEK_AGO = datetime.now(UTC) - timedelta(days=6)

Read = Callable[[AsyncConnection, Cast, UUID], Awaitable[object]]
READS: dict[str, tuple[int, Read]] = {
    "list": (1, lambda db, c, _: list_tasks(db, c.tenant_id, limit=MAX_LIMIT)),
    "count": (1, lambda db, c, _: count_tasks(db, c.tenant_id)),
    "one task": (2, lambda db, c, root: one_task(db, c.tenant_id, root)),
    "subtree": (1, lambda db, c, root: subtree(db, c.tenant_id, root)),
    "history": (1, lambda db, c, root: history(db, c.tenant_id, root)),
    "ready": (1, lambda db, c, _: ready_tasks(db, c.tenant_id, c.agent)),
    "counts": (1, lambda db, c, _: counts_by_status(db, c.tenant_id)),
    "projects": (1, lambda db, c, _: list_projects(db, c.tenant_id)),
    "one project": (3, lambda db, c, _: one_project(db, c.tenant_id, c.project().slug)),
    "workers": (2, lambda db, c, _: list_workers(db, c.tenant_id)),
    "completions": (1, lambda db, c, _: completions(db, c.tenant_id, c.agent, WEEK_AGO)),
    "activity": (1, lambda db, c, _: activity(db, c.tenant_id, c.project_id, WEEK_AGO)),
    "deletions": (1, lambda db, c, _: deletions(db, c.tenant_id)),
}
"""How many statements each takes."""

engine = batch_engine


async def counted(
    engine: Engine, reader: AsyncConnection, cast: Cast, root: UUID, read: Read
) -> int:
    """Statements of one call; another before it, since the driver asks for types only once."""
    await read(reader, cast, root)
    await count_anew(engine)
    await read(reader, cast, root)
    return await number_run(engine, "reader")


async def surround(engine: Engine, cast: Cast, root: UUID, number: int) -> None:
    """`number` each: subtasks, dependents, dependencies, held, completed and deleted tasks."""
    blockers, held, gone = ([uuid7() for _ in range(number)] for _ in range(3))
    await done(engine, *(cast.task(task_id) for task_id in (*blockers, *held, *gone)))
    edges = [NewDependency(task_id=task_id) for task_id in blockers[:40]]
    await done(engine, cast.task(root, depends_on=edges))
    await done(engine, *(cast.task(parent_id=root) for _ in range(number)))
    waits = [NewDependency(task_id=root)]
    await done(engine, *(cast.task(depends_on=waits) for _ in range(number)))
    await done(engine, *(cast.by(cast.agent, ClaimTask(task_id=task_id)) for task_id in held))
    finished = (CompleteTask(task_id=task_id, token=1) for task_id in held[: number // 2])
    await done(engine, *(cast.by(cast.agent, payload) for payload in finished))
    await done(engine, *(cast.by(cast.owner, DeleteTask(task_id=task_id)) for task_id in gone))


async def test_every_read_takes_as_many_statements_for_100_rows_as_for_1(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    small, large = uuid7(), uuid7()

    await surround(engine, cast, small, 2)
    few = {
        name: await counted(engine, reader, cast, small, read) for name, (_, read) in READS.items()
    }
    await surround(engine, cast, large, MANY)
    many = {
        name: await counted(engine, reader, cast, large, read) for name, (_, read) in READS.items()
    }

    assert few == many == {name: number for name, (number, _) in READS.items()}
