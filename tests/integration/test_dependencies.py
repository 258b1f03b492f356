"""Edges and readiness on a real database: races, batches that change their own kin, limits."""

import asyncio
from collections import Counter as Tally
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import OnFailure
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import CancelTask, ClaimTask, CompleteTask, DispatchTasks, FailTask
from jobs.payloads.task import (
    AddDependency,
    DeleteTask,
    MoveTask,
    NewDependency,
    NewTask,
    RestoreTask,
)
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.settling import settle

ROUNDS = 10


async def test_of_two_edges_that_would_close_a_cycle_one_is_rejected(
    engine: Engine, cast: Cast, database: Database
) -> None:
    tasks = [uuid7() for _ in range(2 * ROUNDS)]
    await engine.statuses([cast.task(task_id) for task_id in tasks])

    for one, other in zip(tasks[::2], tasks[1::2], strict=True):
        there, back = (_edge(cast, one, other), _edge(cast, other, one))
        outcomes = await asyncio.gather(settle(engine, [there]), settle(engine, [back]))
        codes = Tally(outcome.get("code", "applied") for (outcome,) in outcomes)
        assert codes == {"applied": 1, "dependency_cycle": 1}

    await _sound(database)


async def test_a_blocker_that_ends_while_an_edge_to_it_is_made_counts_right(
    engine: Engine, cast: Cast, database: Database
) -> None:
    for _ in range(ROUNDS):
        blocker, task = uuid7(), uuid7()
        await engine.statuses([cast.task(blocker), cast.task(task)])
        await asyncio.gather(
            settle(engine, [_edge(cast, task, blocker)]),
            settle(engine, [cast.by(cast.human, CompleteTask(task_id=blocker))]),
            settle(engine, [cast.task(depends_on=[NewDependency(task_id=blocker)])]),
        )

    unmet = await engine.count("task", cast.tenant_id, "unmet_dependencies <> 0")
    assert unmet == 0
    await _sound(database)


async def test_two_blockers_that_end_at_once_make_their_dependent_ready_once(
    engine: Engine, cast: Cast, database: Database
) -> None:
    for _ in range(ROUNDS):
        blockers, waiting = [uuid7(), uuid7()], uuid7()
        edges = [NewDependency(task_id=blocker) for blocker in blockers]
        await engine.statuses([*(cast.task(b) for b in blockers)])
        await engine.statuses([cast.task(waiting, depends_on=edges)])
        await asyncio.gather(
            *(
                settle(engine, [cast.by(cast.human, CompleteTask(task_id=blocker))])
                for blocker in blockers
            )
        )

        ready = f"kind = 'task.ready' AND entity_id = '{waiting}'"
        assert await engine.count("event", cast.tenant_id, ready) == 1

    await _sound(database)


async def test_a_batch_sees_the_edges_that_it_makes_itself(engine: Engine, cast: Cast) -> None:
    blocker, waiting, below = uuid7(), uuid7(), uuid7()
    await engine.statuses([cast.task(blocker), cast.task(waiting)])
    await engine.statuses([cast.task(below, parent_id=waiting)])
    claim = cast.by(cast.agent, ClaimTask(task_id=blocker))
    end = FailTask(task_id=blocker, token=1, reason="no use", permanent=True)

    jobs = [_edge(cast, waiting, blocker, OnFailure.CANCEL), claim, cast.by(cast.agent, end)]
    outcomes = await settle(engine, jobs)

    assert [outcome["status"] for outcome in outcomes] == ["applied"] * 3
    for task_id in (waiting, below):
        assert (await engine.row("task", cast.tenant_id, task_id))["status"] == "cancelled"


async def test_a_batch_that_deletes_and_restores_a_tree_leaves_it_whole(
    engine: Engine, cast: Cast, database: Database
) -> None:
    root, child = uuid7(), uuid7()
    await engine.statuses([cast.task(root, subtasks=[NewTask(task_id=child, title="Part")])])

    jobs = [
        cast.by(cast.owner, DeleteTask(task_id=root)),
        cast.by(cast.owner, RestoreTask(task_id=root)),
        cast.by(cast.owner, MoveTask(task_id=child, parent_id=None)),
        cast.by(cast.owner, CancelTask(task_id=root)),
    ]
    outcomes = await settle(engine, jobs)

    assert [outcome["status"] for outcome in outcomes] == ["applied"] * 4
    row = await engine.row("task", cast.tenant_id, child)
    assert (row["status"], row["deleted_at"], row["parent_id"]) == ("pending", None, None)
    await _sound(database)


async def test_no_subtask_is_left_open_below_a_task_that_is_cancelled_meanwhile(
    engine: Engine, cast: Cast, database: Database
) -> None:
    for _ in range(ROUNDS):
        root, child = uuid7(), uuid7()
        await engine.statuses([cast.task(root, subtasks=[NewTask(task_id=child, title="Part")])])
        late = [cast.task(parent_id=child), cast.task(parent_id=root)]
        await asyncio.gather(
            settle(engine, [cast.by(cast.owner, CancelTask(task_id=root))]),
            *(settle(engine, [job]) for job in late),
        )

    assert await engine.count("task", cast.tenant_id, "status = 'pending'") == 0
    await _sound(database)


async def test_a_dependent_is_dispatched_in_the_batch_that_makes_it_ready(
    engine: Engine, cast: Cast
) -> None:
    blocker, waiting = uuid7(), uuid7()
    edge = NewDependency(task_id=blocker)
    await engine.statuses([cast.task(blocker), cast.task(waiting, depends_on=[edge])])

    complete = cast.by(cast.human, CompleteTask(task_id=blocker))
    _, dispatched = await engine.outcomes([complete, cast.by(cast.agent, DispatchTasks(limit=5))])

    assert [task["id"] for task in dispatched["result"]["tasks"]] == [str(waiting)]


async def test_a_job_that_concerns_too_many_tasks_is_refused_alone(
    engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.loading.kin.MAX_KIN", 3)
    large, small = uuid7(), uuid7()
    await engine.statuses([_family(cast, large, 4), _family(cast, small, 2), cast.task()])

    jobs = [cast.by(cast.owner, CancelTask(task_id=root)) for root in (large, small)]
    outcomes = await engine.outcomes([*jobs, cast.task()])

    assert [outcome.get("code", "applied") for outcome in outcomes] == [
        "limit_exceeded",
        "applied",
        "applied",
    ]


async def test_a_job_whose_kin_is_being_changed_is_handed_back(engine: Engine, cast: Cast) -> None:
    blocker, waiting = uuid7(), uuid7()
    edge = NewDependency(task_id=blocker)
    await engine.statuses([cast.task(blocker), cast.task(waiting, depends_on=[edge])])
    complete = cast.by(cast.human, CompleteTask(task_id=blocker))

    async with engine.superuser.begin() as rogue:
        await rogue.exec_driver_sql(f"SELECT FROM taskrail.task WHERE id = '{waiting}' FOR UPDATE")
        assert await engine.statuses([complete, cast.task()]) == ["handedback", "applied"]

    assert await engine.statuses([complete]) == ["applied"]


def _edge(
    cast: Cast, task_id: UUID, blocker: UUID, on_failure: OnFailure = OnFailure.BLOCK
) -> AnyJob:
    edge = AddDependency(task_id=task_id, depends_on_id=blocker, on_failure=on_failure)
    return cast.by(cast.human, edge)


def _family(cast: Cast, root: UUID, size: int) -> AnyJob:
    subtasks = [NewTask(task_id=uuid7(), title="Part") for _ in range(size - 1)]
    return cast.task(root, subtasks=subtasks)


async def _sound(database: Database) -> None:
    assert (await verify(database.engine("reader"))).violations == []
