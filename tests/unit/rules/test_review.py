"""approve and reject: what becomes of a task that was handed in."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import ApproveTask, RejectTask, SubmitTask
from jobs.payloads.task import AssignTask
from tests.unit.rules.world import NOON, World, new_world


def test_approving_completes_the_task() -> None:
    world = new_world(approval_policy="all")
    task_id = world.submitted()

    world.do(world.human, ApproveTask(task_id=task_id))

    task = world.task(task_id)
    assert (task.status, task.progress, task.completed_at) == ("completed", 100, NOON)
    assert world.event()[0] == "task.approved"
    assert world.counted() == (1, 1)


def test_nobody_approves_what_is_his() -> None:
    world = new_world()
    task_id = world.submitted()

    refusal = world.refuse(world.agent, ApproveTask(task_id=task_id))

    assert refusal.code == "not_allowed"
    assert refusal.observed.status == "review"


def test_the_submitter_does_not_become_a_judge_by_giving_the_task_away() -> None:
    world = new_world()
    task_id = world.submitted(world.human)
    world.do(world.human, AssignTask(task_id=task_id, worker_id=world.owner))

    assert world.refuse(world.human, ApproveTask(task_id=task_id)).code == "not_allowed"
    assert world.refuse(world.owner, ApproveTask(task_id=task_id)).code == "not_allowed"
    world.do(world.other, ApproveTask(task_id=task_id))


def test_the_system_may_approve() -> None:
    world = new_world()

    assert world.do(None, ApproveTask(task_id=world.submitted()))["status"] == "completed"


@pytest.mark.parametrize("payload", [ApproveTask, RejectTask])
def test_only_members_judge(payload: type[ApproveTask | RejectTask]) -> None:
    world = new_world()
    task_id = world.submitted()
    job = payload(task_id=task_id, **({"reason": "no"} if payload is RejectTask else {}))

    assert world.refuse(world.stranger, job).code == "not_a_member"


def test_only_what_was_handed_in_is_judged() -> None:
    world = new_world()
    task_id = world.started()

    for job in (ApproveTask(task_id=task_id), RejectTask(task_id=task_id, reason="too early")):
        refusal = world.refuse(world.owner, job)
        assert refusal.code == "illegal_transition"
        assert "review" in refusal.alternatives


def test_a_task_with_open_subtasks_is_not_approved() -> None:
    world = new_world()
    task_id, subtask_id = _submitted_with_subtask(world)

    refusal = world.refuse(world.owner, ApproveTask(task_id=task_id))

    assert refusal.code == "open_subtasks"
    assert str(subtask_id) in refusal.message
    assert refusal.alternatives == ("cancelled", "in_progress", "pending")


def test_approving_with_cascade_cancels_open_subtasks() -> None:
    world = new_world()
    task_id, subtask_id = _submitted_with_subtask(world)

    world.do(world.owner, ApproveTask(task_id=task_id, cascade=True))

    assert world.task(task_id).status == "completed"
    assert world.task(subtask_id).status == "cancelled"


def test_a_rejected_human_goes_on_at_once() -> None:
    world = new_world()
    task_id = world.started()
    world.do(world.human, SubmitTask(task_id=task_id))

    world.do(world.owner, RejectTask(task_id=task_id, reason="too short"))

    task = world.task(task_id)
    assert (task.status, task.assignee_id) == ("in_progress", world.human)
    assert task.submitted_by_id is None
    assert world.event()[1]["note"] == {"reason": "too short"}


def test_a_rejected_agents_task_waits_for_him() -> None:
    world = new_world()
    task_id = world.submitted()

    world.do(world.owner, RejectTask(task_id=task_id, reason="too short"))

    task = world.task(task_id)
    assert (task.status, task.assignee_id) == ("pending", world.agent)
    assert world.claim(world.agent, task_id) == 2


def test_a_rejected_task_of_nobody_waits_for_anybody() -> None:
    world = new_world()
    task_id = world.submitted()
    world.task(task_id).assignee_id = None

    world.do(world.owner, RejectTask(task_id=task_id, reason="too short"))

    assert world.task(task_id).status == "pending"


def _submitted_with_subtask(world: World) -> tuple[UUID, UUID]:
    subtask_id = uuid7()
    task_id = world.submitted(subtasks=[{"task_id": subtask_id, "title": "Proofread"}])
    return task_id, subtask_id
