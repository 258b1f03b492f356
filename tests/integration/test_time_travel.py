"""A task's past, read from PostgreSQL, is what its rows were then."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.arrays import entity_columns, table_of
from db.models import Comment as CommentRow
from db.models import Dependency as DependencyRow
from db.models import Lease as LeaseRow
from db.models import Task as TaskRow
from db.reads.time_travel import NoSuchMoment, TaskUnknown, as_of, diff, history
from jobs.difference import Changed, reason
from jobs.entities import Comment, Dependency, Lease, Task, TaskStatus
from jobs.fold import TaskState
from jobs.outcomes import Applied
from jobs.payloads.lifecycle import CancelTask, ClaimTask, ReportProgress
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.engine import Engine
from tests.lives import Lives
from tests.statements import count_anew, number_run
from worker.deliveries import Settled

STEPS = 120
OWN_HOUR = timezone(timedelta(hours=1))


async def rows(connection: AsyncConnection, model: Any, entity: Any, task_id: UUID) -> list[Any]:
    """What a table holds about the task, as entities."""
    table = table_of(model)
    key = table.c.id if entity is Task else table.c.task_id
    found = await connection.execute(
        select(*entity_columns(table, entity)).where(key == task_id).order_by(*table.primary_key)
    )
    return [entity(*row) for row in found]


async def now(connection: AsyncConnection, task_id: UUID) -> TaskState:
    """The task and its parts by their rows."""
    (task,) = await rows(connection, TaskRow, Task, task_id)
    leases = await rows(connection, LeaseRow, Lease, task_id)
    edges = await rows(connection, DependencyRow, Dependency, task_id)
    return TaskState(
        replace(task, unmet_dependencies=0),
        leases[0] if leases else None,
        await rows(connection, CommentRow, Comment, task_id),
        {edge.depends_on_id: edge for edge in edges},
    )


def sorted_comments(state: TaskState) -> TaskState:
    return replace(state, comments=sorted(state.comments, key=lambda comment: comment.id))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_task_as_of_every_version_and_time_is_what_its_rows_were_then(
    engine: Engine, cast: Cast, reader: AsyncConnection, seed: int
) -> None:
    lives = Lives(cast, Random(seed))  # noqa: S311 - a life, not a secret
    past: dict[tuple[UUID, int], TaskState] = {}
    for _ in range(STEPS):
        actor_id, payload = lives.next()
        (disposition,) = await engine.apply([cast.by(actor_id, payload)])
        if isinstance(disposition, Settled) and isinstance(disposition.outcome, Applied):
            lives.learn(actor_id, payload, disposition.outcome.result)
        for task_id in lives.tasks[-4:]:
            if await rows(reader, TaskRow, Task, task_id):
                state = await now(reader, task_id)
                past[task_id, state.task.version] = state

    for (task_id, version), then in past.items():
        by_version = await as_of(reader, cast.tenant_id, task_id, version=version)
        by_time = await as_of(reader, cast.tenant_id, task_id, at=then.task.updated_at)
        assert sorted_comments(by_version) == then
        assert by_time == by_version
    assert max(version for _, version in past) > 5


async def told(engine: Engine, cast: Cast) -> UUID:
    """A task that was claimed, worked on, and cancelled: versions 1 to 4."""
    task_id = uuid7()
    jobs = [
        cast.task(task_id),
        cast.by(cast.agent, ClaimTask(task_id=task_id)),
        cast.by(cast.agent, ReportProgress(task_id=task_id, token=1, percent=40)),
        cast.by(cast.owner, CancelTask(task_id=task_id, reason="Too late")),
    ]
    assert [s for job in jobs for s in await engine.statuses([job])] == ["applied"] * 4
    return task_id


async def test_a_history_is_read_in_pages_oldest_first(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)

    first = await history(reader, cast.tenant_id, task_id, limit=3)
    rest = await history(reader, cast.tenant_id, task_id, after_seq=first[-1].seq, limit=3)
    end = await history(reader, cast.tenant_id, task_id, after_seq=rest[-1].seq)

    assert [event.kind for event in first] == ["task.created", "task.claimed", "task.progressed"]
    assert [(event.seq, event.kind) for event in rest] == [(4, "task.cancelled")]
    assert end == []


async def test_a_difference_tells_what_changed_by_whom_and_why(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)

    found = await diff(reader, cast.tenant_id, task_id, 2, 4)

    assert Changed("progress", 0, 40) in found.changed
    assert Changed("status", TaskStatus.IN_PROGRESS, TaskStatus.CANCELLED) in found.changed
    assert {changed.name for changed in found.changed} == {"progress", "status", "lease"}
    assert [event.actor_id for event in found.events] == [cast.agent, cast.owner]
    assert [event.actor_name for event in found.events] == ["Robot", "Ada"]
    assert reason(found.events[-1]) == "Too late"


async def test_a_difference_of_two_times_is_that_of_the_versions_of_then(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)
    events = await history(reader, cast.tenant_id, task_id)

    by_time = await diff(reader, cast.tenant_id, task_id, events[1].at, events[3].at)
    mixed = await diff(reader, cast.tenant_id, task_id, 2, events[3].at)

    by_version = await diff(reader, cast.tenant_id, task_id, 2, 4)
    assert by_time == by_version == mixed


async def test_an_earlier_new_version_gives_the_difference_backwards(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)
    events = await history(reader, cast.tenant_id, task_id)

    found = await diff(reader, cast.tenant_id, task_id, 3, events[1].at)

    assert found.changed == [Changed("progress", 40, 0)]
    assert [event.seq for event in found.events] == [3]


async def test_between_two_events_the_task_is_as_the_earlier_one_left_it(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)
    events = await history(reader, cast.tenant_id, task_id)
    shortly_before = events[2].at - timedelta(microseconds=1)

    before = await as_of(reader, cast.tenant_id, task_id, at=shortly_before.astimezone(OWN_HOUR))
    after = await as_of(reader, cast.tenant_id, task_id, at=datetime.now(UTC) + timedelta(days=1))

    assert (before.task.version, before.task.progress) == (2, 0)
    assert after.task.version == 4


async def test_a_time_before_the_task_existed_is_refused(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)

    with pytest.raises(NoSuchMoment, match="did not exist yet"):
        await as_of(reader, cast.tenant_id, task_id, at=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("version", [-1, 0, 5])
async def test_a_version_that_the_task_never_had_is_refused(
    engine: Engine, cast: Cast, reader: AsyncConnection, version: int
) -> None:
    task_id = await told(engine, cast)

    with pytest.raises(NoSuchMoment, match="versions 1 to 4"):
        await as_of(reader, cast.tenant_id, task_id, version=version)
    with pytest.raises(NoSuchMoment, match="versions 1 to 4"):
        await diff(reader, cast.tenant_id, task_id, 1, version)


Read = Callable[[AsyncConnection, UUID, UUID], Awaitable[Any]]
READS: dict[str, Read] = {
    "history": history,
    "as_of": lambda c, tenant_id, task_id: as_of(c, tenant_id, task_id, version=1),
    "diff": lambda c, tenant_id, task_id: diff(c, tenant_id, task_id, 1, 2),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_task_of_nobody_or_of_another_tenant_is_unknown(
    engine: Engine, cast: Cast, reader: AsyncConnection, read: Read
) -> None:
    task_id = await told(engine, cast)

    with pytest.raises(TaskUnknown):
        await read(reader, cast.tenant_id, uuid7())
    with pytest.raises(TaskUnknown):
        await read(reader, uuid7(), task_id)
    with pytest.raises(TaskUnknown):
        await read(reader, cast.tenant_id, cast.project_id)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_each_read_of_the_past_is_one_statement(
    engine: Engine, cast: Cast, reader: AsyncConnection, read: Read
) -> None:
    task_id = await told(engine, cast)
    for n in range(30):
        remark = CommentTask(task_id=task_id, comment_id=uuid7(), body=f"Remark {n}")
        assert await engine.statuses([cast.by(cast.human, remark)]) == ["applied"]
    await read(reader, cast.tenant_id, task_id)
    await count_anew(engine)

    await read(reader, cast.tenant_id, task_id)

    assert await number_run(engine, "reader") == 1


async def test_a_moment_is_one_version_or_one_time_with_an_offset(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    task_id = await told(engine, cast)
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the case

    with pytest.raises(ValueError, match="either a time or a version"):
        await as_of(reader, cast.tenant_id, task_id)
    with pytest.raises(ValueError, match="either a time or a version"):
        await as_of(reader, cast.tenant_id, task_id, at=datetime.now(UTC), version=1)
    with pytest.raises(ValueError, match="offset"):
        await as_of(reader, cast.tenant_id, task_id, at=naive)
