"""However often and however concurrently a recurring task is completed, one task follows it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import CompleteTask, RecurTask
from jobs.payloads.task import NewTask
from jobs.recurrence import Recurrence
from jobs.system import system_job
from tests.asking import Cast
from tests.engine import Engine

TWENTY = 20
DUE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def recurring(cast: Cast, task_id: UUID, due_at: datetime = DUE, **fields: Any) -> AnyJob:
    recurrence = Recurrence(**({"rule": "FREQ=DAILY"} | fields))
    return cast.task(task_id, due_at=due_at, recurrence=recurrence, assignee_id=cast.human)


def completions(cast: Cast, task_id: UUID, number: int = TWENTY) -> list[AnyJob]:
    return [cast.by(cast.human, CompleteTask(task_id=task_id)) for _ in range(number)]


def recurrence(cast: Cast, task_id: UUID) -> AnyJob:
    payload = RecurTask(task_id=task_id, scheduled_at=DUE)
    return system_job(payload, cast.tenant_id, DUE, task_id)


async def settled(engine: Engine, jobs: Sequence[AnyJob]) -> list[str]:
    """What became of jobs that were applied at once, each by a call of its own."""
    while True:
        answers = await asyncio.gather(*(engine.statuses([job]) for job in jobs))
        statuses = [status for (status,) in answers]
        if "handedback" not in statuses:
            return statuses


async def series(engine: Engine, cast: Cast) -> list[dict[str, Any]]:
    return await engine.execute(
        "SELECT id, status, due_at, assignee_id, recurrence FROM taskrail.task"
        " WHERE tenant_id = :tenant_id AND recurrence IS NOT NULL"
        " ORDER BY (recurrence ->> 'occurrence')::int",
        tenant_id=cast.tenant_id,
    )


async def created(engine: Engine, jobs: Sequence[AnyJob]) -> None:
    assert set(await engine.statuses(jobs)) == {"applied"}


async def test_twenty_completions_at_once_make_one_successor(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await created(engine, [recurring(cast, task_id)])

    statuses = await settled(engine, completions(cast, task_id))

    assert sorted(statuses) == ["applied"] + ["rejected"] * (TWENTY - 1)
    first, second = await series(engine, cast)
    assert (first["id"], first["status"]) == (task_id, "completed")
    assert first["recurrence"]["successor_id"] == str(second["id"])
    assert (second["status"], second["recurrence"]["occurrence"]) == ("pending", 2)


async def test_twenty_completions_in_one_batch_make_one_successor(
    engine: Engine, cast: Cast
) -> None:
    task_id = uuid7()
    await created(engine, [recurring(cast, task_id)])

    statuses = await engine.statuses(completions(cast, task_id))

    assert statuses == ["applied"] + ["rejected"] * (TWENTY - 1)
    assert len(await series(engine, cast)) == 2


async def test_completion_and_due_time_together_make_one_successor(
    engine: Engine, cast: Cast
) -> None:
    tasks = [uuid7() for _ in range(5)]
    await created(engine, [recurring(cast, task_id, trigger="both") for task_id in tasks])
    due = [recurrence(cast, task_id) for task_id in tasks]
    done = [job for task_id in tasks for job in completions(cast, task_id, 1)]

    statuses = await settled(engine, [*due, *done])

    assert statuses[len(due) :] == ["applied"] * len(done)
    occurrences = [row["recurrence"]["occurrence"] for row in await series(engine, cast)]
    assert occurrences == [1] * len(tasks) + [2] * len(tasks)


async def test_the_ids_of_a_series_follow_from_its_beginning(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await created(engine, [recurring(cast, task_id)])
    (job,) = completions(cast, task_id, 1)
    await created(engine, [job])
    _, second = await series(engine, cast)

    assert await engine.statuses([job, *completions(cast, task_id, 1)]) == ["applied", "rejected"]

    _, same = await series(engine, cast)
    assert same == second


async def test_a_series_of_three_has_three_occurrences(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await created(engine, [recurring(cast, task_id, max_occurrences=3)])

    for number in range(3):
        newest = (await series(engine, cast))[number]
        await created(engine, completions(cast, newest["id"], 1))

    rows = await series(engine, cast)
    assert [row["status"] for row in rows] == ["completed"] * 3
    assert rows[2]["recurrence"]["successor_id"] is None


async def test_the_next_occurrence_is_due_after_now_and_counted(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await created(engine, [recurring(cast, task_id)])

    await created(engine, completions(cast, task_id, 1))

    _, second = await series(engine, cast)
    now = datetime.now(UTC)
    assert now < second["due_at"] <= now + timedelta(days=1)
    assert (second["due_at"].hour, second["assignee_id"]) == (9, cast.human)
    tally = await engine.execute(
        "SELECT sum(tasks) AS tasks, sum(completed) AS completed FROM taskrail.tally"
        " WHERE tenant_id = :tenant_id",
        tenant_id=cast.tenant_id,
    )
    assert tally == [{"tasks": 2, "completed": 1}]


async def test_a_tree_recurs_whether_its_branches_are_older_than_the_batch_or_not(
    engine: Engine, cast: Cast
) -> None:
    task_id, branch = uuid7(), NewTask(task_id=uuid7(), title="Branch")
    root = cast.task(
        task_id,
        due_at=DUE,
        recurrence=Recurrence(rule="FREQ=DAILY", clone_subtasks=True),
        subtasks=[branch],
    )
    await created(engine, [root])
    leaf = cast.task(parent_id=branch.task_id, title="Leaf", assignee_id=cast.human)
    done = cast.by(cast.owner, CompleteTask(task_id=task_id, cascade=True))

    await created(engine, [leaf, done])

    copies = await engine.execute(
        "WITH RECURSIVE below AS ("
        "   SELECT id, title, status, assignee_id FROM taskrail.task"
        "   WHERE parent_id = (SELECT id FROM taskrail.task"
        "                      WHERE recurrence ->> 'occurrence' = '2' AND tenant_id = :tenant_id)"
        "   UNION ALL"
        "   SELECT t.id, t.title, t.status, t.assignee_id FROM taskrail.task t"
        "   JOIN below ON below.id = t.parent_id"
        " ) SELECT title, status, assignee_id FROM below",
        tenant_id=cast.tenant_id,
    )
    assert copies == [
        {"title": "Branch", "status": "pending", "assignee_id": None},
        {"title": "Leaf", "status": "pending", "assignee_id": cast.human},
    ]


async def test_a_tree_made_and_completed_in_one_batch_recurs_with_its_subtasks(
    engine: Engine, cast: Cast
) -> None:
    task_id = uuid7()
    tree = {"subtasks": [NewTask(task_id=uuid7(), title="Branch")], "due_at": DUE}
    recurs = Recurrence(rule="FREQ=DAILY", clone_subtasks=True)
    done = cast.by(cast.owner, CompleteTask(task_id=task_id, cascade=True))

    await created(engine, [cast.task(task_id, recurrence=recurs, **tree), done])

    assert await engine.count("task", cast.tenant_id) == 4
