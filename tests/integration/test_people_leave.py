"""Somebody leaves while others give him work: in the end he has none."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import (
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    ReleaseTask,
    ReopenTask,
    RetryTask,
    StartTask,
)
from jobs.payloads.project import RemoveMember
from jobs.payloads.task import AssignTask, DeleteTask, RestoreTask
from jobs.payloads.worker import DeactivateWorker
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.settling import settle

ROUNDS = 8
Leaving = Callable[[Cast], AnyJob]

LEAVING: dict[str, Leaving] = {
    "removed": lambda c: c.by(c.owner, RemoveMember(project_id=c.project_id, worker_id=c.agent)),
    "deactivated": lambda c: c.by(c.human, DeactivateWorker(worker_id=c.agent)),
}
WORK: dict[str, Callable[[Cast, UUID], AnyJob]] = {
    "claims": lambda c, t: c.by(c.agent, ClaimTask(task_id=t)),
    "dispatches": lambda c, _: c.by(c.agent, DispatchTasks(limit=3)),
    "is assigned": lambda c, t: c.by(c.owner, AssignTask(task_id=t, worker_id=c.agent)),
    "is assigned a new task": lambda c, _: c.task(assignee_id=c.agent),
}

How = Callable[[Cast, UUID], AnyJob]
BACK: dict[str, tuple[How, How]] = {
    "retried": (
        lambda c, t: c.by(c.human, FailTask(task_id=t, reason="Cannot be done", permanent=True)),
        lambda c, t: c.by(c.owner, RetryTask(task_id=t)),
    ),
    "reopened": (
        lambda c, t: c.by(c.human, CompleteTask(task_id=t)),
        lambda c, t: c.by(c.owner, ReopenTask(task_id=t)),
    ),
    "restored": (
        lambda c, t: c.by(c.owner, DeleteTask(task_id=t)),
        lambda c, t: c.by(c.owner, RestoreTask(task_id=t)),
    ),
}
"""How a task ends, and how it is there again."""


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("leaving", LEAVING)
async def test_who_leaves_while_he_is_given_work_has_none_in_the_end(
    leaving: str, work: str, engine: Engine, database: Database
) -> None:
    for _ in range(ROUNDS):
        cast, task = await _cast(engine), uuid7()
        await engine.statuses([cast.task(task)])

        (left,), (given,) = await asyncio.gather(
            settle(engine, [LEAVING[leaving](cast)]), settle(engine, [WORK[work](cast, task)])
        )

        assert left["status"] == "applied"
        if given["status"] == "rejected":
            assert given["code"] in {"not_a_member", "not_allowed"}
        assert await engine.count("lease", cast.tenant_id) == 0
        his = f"assignee_id = '{cast.agent}'"
        assert await engine.count("task", cast.tenant_id, his) == 0

    assert (await verify(database.engine("reader"))).violations == []


@pytest.mark.parametrize("leaving", LEAVING)
async def test_a_task_whose_lease_ends_when_its_former_assignee_leaves_is_nobodys(
    leaving: str, engine: Engine
) -> None:
    """He left while an agent had it in his stead; neither of the two orders gives it back."""
    for _ in range(ROUNDS):
        cast, task = await _cast(engine), uuid7()
        taken = [cast.task(task), cast.by(cast.agent, ClaimTask(task_id=task))]
        assert set(await engine.statuses(taken)) == {"applied"}
        await engine.execute(
            "UPDATE taskrail.lease SET previous_assignee_id = :human WHERE task_id = :task",
            human=cast.human,
            task=task,
        )

        await asyncio.gather(
            settle(engine, [_leave(cast, leaving)]), settle(engine, [_release(cast, task)])
        )

        row = await engine.row("task", cast.tenant_id, task)
        assert (row["status"], row["assignee_id"]) == ("pending", None)


@pytest.mark.parametrize("back", BACK)
@pytest.mark.parametrize("leaving", LEAVING)
async def test_what_comes_back_while_its_assignee_leaves_is_nobodys(
    leaving: str, back: str, engine: Engine, database: Database
) -> None:
    """What was settled is not taken from him who leaves: it must not be his when it is open."""
    for _ in range(ROUNDS):
        cast, task = await _cast(engine), uuid7()
        ended, comes_back = (how(cast, task) for how in BACK[back])
        assigned = cast.task(task, assignee_id=cast.human)
        began = cast.by(cast.human, StartTask(task_id=task))
        assert set(await engine.statuses([assigned, began, ended])) == {"applied"}

        await asyncio.gather(settle(engine, [_leave(cast, leaving)]), settle(engine, [comes_back]))

        his = f"assignee_id = '{cast.human}' AND status NOT IN ('completed', 'failed')"
        assert await engine.count("task", cast.tenant_id, his) == 0

    assert (await verify(database.engine("reader"))).violations == []


async def test_everything_a_worker_has_in_many_projects_is_taken_in_one_job(
    engine: Engine, database: Database
) -> None:
    cast = await _cast(engine)
    tasks = [uuid7() for _ in range(120)]
    jobs = [cast.task(task_id, assignee_id=cast.agent) for task_id in tasks]
    claims = [cast.by(cast.agent, ClaimTask(task_id=task_id)) for task_id in tasks[:60]]
    done = [cast.by(cast.agent, CompleteTask(task_id=task_id, token=1)) for task_id in tasks[:20]]
    assert set(await engine.statuses([*jobs, *claims, *done])) == {"applied"}

    (outcome,) = await settle(engine, [LEAVING["deactivated"](cast)])

    assert outcome["result"]["unassigned"] == 100
    assert await engine.count("task", cast.tenant_id, "status = 'pending'") == 100
    assert (await verify(database.engine("reader"))).violations == []


async def _cast(engine: Engine) -> Cast:
    cast = Cast()
    await engine.create_tenant(cast.tenant_id)
    assert set(await engine.statuses(cast.setting_up())) == {"applied"}
    return cast


def _leave(cast: Cast, how: str) -> AnyJob:
    if how == "deactivated":
        return cast.by(cast.owner, DeactivateWorker(worker_id=cast.human))
    return cast.by(cast.owner, RemoveMember(project_id=cast.project_id, worker_id=cast.human))


def _release(cast: Cast, task: UUID) -> AnyJob:
    return cast.by(cast.agent, ReleaseTask(task_id=task, token=1))
