"""Bulk jobs on a real database: what they find, what they leave, and what it costs."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import ApprovalPolicy
from jobs.payloads.lifecycle import (
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    ReopenTask,
    StartTask,
    SubmitTask,
)
from jobs.payloads.project import ArchiveTasks, CompleteTasks, UpdateProject
from jobs.payloads.task import NewDependency, NewTask, RestoreTask
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.settling import settle
from tests.statements import count_anew, number_run
from worker.apply import apply
from worker.runtime import Runtime

MANY = 1_200


async def test_what_is_eligible_is_completed_and_the_rest_has_its_reason(
    engine: Engine, cast: Cast, database: Database
) -> None:
    policy = UpdateProject(project_id=cast.project_id, approval_policy=ApprovalPolicy.CRITICAL)
    parent, leased, reviewed, blocked = (uuid7() for _ in range(4))
    jobs = [
        cast.by(cast.owner, policy),
        cast.task(),
        cast.task(parent, subtasks=[NewTask(task_id=uuid7(), title="Part")]),
        cast.task(depends_on=[NewDependency(task_id=parent)]),
        cast.task(priority="critical"),
        *(cast.task(task_id) for task_id in (leased, reviewed, blocked)),
        cast.by(cast.agent, ClaimTask(task_id=leased)),
        cast.by(cast.human, StartTask(task_id=reviewed)),
        cast.by(cast.human, SubmitTask(task_id=reviewed)),
        cast.by(cast.human, BlockTask(task_id=blocked, reason="rain")),
    ]
    assert set(await engine.statuses(jobs)) == {"applied"}

    (outcome,) = await engine.outcomes([cast.by(cast.human, _complete(cast))])

    result = outcome["result"]
    assert result["completed"] == 2
    assert result["left"] == {
        "open_subtasks": 1,
        "dependencies_unmet": 1,
        "approval_required": 1,
        "leased": 1,
        "review": 1,
        "blocked": 1,
    }
    assert result["remaining"] == 6
    assert (await verify(database.engine("reader"))).violations == []


async def test_of_many_tasks_as_many_as_one_job_may_are_completed_the_oldest_first(
    engine: Engine, cast: Cast
) -> None:
    for _ in range(MANY // 300):
        assert set(await engine.statuses([cast.task() for _ in range(300)])) == {"applied"}

    first, second = await engine.outcomes([cast.by(cast.human, _complete(cast)) for _ in range(2)])

    results = [first["result"], second["result"]]
    done = sum(result["completed"] for result in results)
    assert results[0]["completed"] == 1_000
    assert await engine.count("task", cast.tenant_id, "status = 'completed'") == done
    rows = await engine.execute(
        "SELECT max(created_at) FILTER (WHERE status = 'completed') AS newest,"
        " min(created_at) FILTER (WHERE status = 'pending') AS oldest"
        " FROM taskrail.task WHERE tenant_id = :tenant_id",
        tenant_id=cast.tenant_id,
    )
    assert rows[0]["oldest"] is None or rows[0]["newest"] <= rows[0]["oldest"]
    told = "kind = 'project.tasks_completed'"
    assert await engine.count("event", cast.tenant_id, told) == sum(
        result["completed"] > 0 for result in results
    )


async def test_a_task_that_is_claimed_meanwhile_is_completed_or_claimed_not_both(
    engine: Engine, cast: Cast, database: Database
) -> None:
    for _ in range(10):
        task = uuid7()
        await engine.statuses([cast.task(task)])

        (bulk,), (claim,) = await asyncio.gather(
            settle(engine, [cast.by(cast.human, _complete(cast))]),
            settle(engine, [cast.by(cast.agent, ClaimTask(task_id=task))]),
        )

        was_claimed = claim["status"] == "applied"
        assert bulk["result"]["completed"] == (0 if was_claimed else 1)
        if was_claimed:
            await engine.statuses([cast.by(cast.agent, CompleteTask(task_id=task, token=1))])

    assert (await verify(database.engine("reader"))).violations == []


async def test_settled_trees_are_archived_and_each_comes_back_by_itself(
    engine: Engine, cast: Cast, database: Database
) -> None:
    whole, mixed, part = uuid7(), uuid7(), uuid7()
    jobs = [
        cast.task(whole, subtasks=[NewTask(task_id=uuid7(), title="Part")]),
        cast.by(cast.human, CancelTask(task_id=whole)),
        cast.task(mixed, subtasks=[NewTask(task_id=part, title="Part")]),
        cast.by(cast.human, CompleteTask(task_id=part)),
        cast.task(parent_id=mixed),
    ]
    assert set(await engine.statuses(jobs)) == {"applied"}

    archive = cast.by(cast.owner, ArchiveTasks(project_id=cast.project_id))
    restore = cast.by(cast.owner, RestoreTask(task_id=whole))
    archived, restored = await settle(engine, [archive, restore])

    assert (archived["result"]["archived"], restored["result"]["restored"]) == (3, 2)
    deleted = await engine.count("task", cast.tenant_id, "deleted_at IS NOT NULL")
    assert deleted == 1
    assert (await verify(database.engine("reader"))).violations == []


async def test_a_tree_too_large_for_one_job_keeps_no_other_from_being_archived(
    engine: Engine, cast: Cast
) -> None:
    root, lonely = uuid7(), uuid7()
    jobs = [
        cast.task(root, subtasks=[NewTask(task_id=uuid7(), title="Part") for _ in range(3)]),
        cast.by(cast.human, CancelTask(task_id=root)),
        cast.task(lonely),
        _done(cast, lonely),
    ]
    assert set(await engine.statuses(jobs)) == {"applied"}

    archive = ArchiveTasks(project_id=cast.project_id, limit=3)
    (outcome,) = await settle(engine, [cast.by(cast.owner, archive)])

    assert outcome["result"]["archived"] == 1
    assert outcome["result"]["left"] == {"tree_too_large": 4}
    assert (await engine.row("task", cast.tenant_id, lonely))["deleted_at"] is not None


async def test_what_is_taken_up_again_while_its_tree_is_archived_is_deleted_with_it_or_lives(
    engine: Engine, cast: Cast, database: Database
) -> None:
    for _ in range(8):
        root, part = uuid7(), uuid7()
        jobs = [
            cast.task(root, subtasks=[NewTask(task_id=part, title="Part")]),
            cast.by(cast.human, CompleteTask(task_id=root, cascade=True)),
        ]
        assert set(await engine.statuses(jobs)) == {"applied"}

        archive = ArchiveTasks(project_id=cast.project_id)
        (archived,), (reopened,) = await asyncio.gather(
            settle(engine, [cast.by(cast.owner, archive)]),
            engine.statuses([cast.by(cast.human, ReopenTask(task_id=part))]),
        )

        is_deleted = [
            (await engine.row("task", cast.tenant_id, task))["deleted_at"] is not None
            for task in (root, part)
        ]
        assert archived["status"] == "applied"
        assert is_deleted in ([True, True], [False, False])
        assert not (is_deleted[0] and reopened == "applied")

    assert (await verify(database.engine("reader"))).violations == []


@pytest.mark.parametrize("kind", [CompleteTasks, ArchiveTasks])
async def test_the_number_of_tasks_changes_nothing_about_the_number_of_statements(
    kind: Any, database: Database, runtime: Runtime
) -> None:
    engine, counted = Engine(apply, runtime, database.superuser), list[int]()

    for number in (2, 2, 200):
        cast = Cast()
        await engine.create_tenant(cast.tenant_id)
        await engine.statuses(cast.setting_up())
        tasks = [uuid7() for _ in range(number)]
        await engine.statuses([cast.task(task_id) for task_id in tasks])
        if kind is ArchiveTasks:
            await engine.statuses([_done(cast, task_id) for task_id in tasks])
        await count_anew(engine)
        await engine.statuses([cast.by(cast.owner, kind(project_id=cast.project_id))])
        counted.append(await number_run(engine, "worker"))

    assert counted[1] == counted[2]


def _complete(cast: Cast) -> CompleteTasks:
    return CompleteTasks(project_id=cast.project_id)


def _done(cast: Cast, task_id: UUID) -> Any:
    return cast.by(cast.human, CompleteTask(task_id=task_id))
