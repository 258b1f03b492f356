"""Settled tasks that are taken up again."""

from jobs.payloads.lifecycle import (
    ApproveTask,
    CancelTask,
    CompleteTask,
    FailTask,
    ReopenTask,
    RetryTask,
)
from jobs.payloads.project import ArchiveProject, RemoveMember
from tests.unit.rules.world import new_world


def test_a_failed_task_is_retried_with_all_its_attempts() -> None:
    world = new_world()
    task, token = world.claimed()
    world.do(world.agent, FailTask(task_id=task, token=token, reason="no", permanent=True))

    world.do(world.human, RetryTask(task_id=task))

    row = world.task(task)
    assert (row.status, row.attempt, row.failure) == ("pending", 0, None)
    assert row.usage == {"attempts": 1}
    world.claim(world.agent, task)


def test_a_task_that_is_taken_up_again_is_nobodys_if_its_assignee_has_left() -> None:
    world = new_world()
    failed, cancelled = world.started(), world.create(assignee_id=world.human)
    world.do(world.human, FailTask(task_id=failed, reason="no", permanent=True))
    world.do(world.human, CancelTask(task_id=cancelled))
    world.do(world.owner, RemoveMember(project_id=world.project_id, worker_id=world.human))

    world.do(world.owner, RetryTask(task_id=failed))
    world.do(world.owner, ReopenTask(task_id=cancelled))

    assert [world.task(task).assignee_id for task in (failed, cancelled)] == [None, None]


def test_a_completed_task_is_reviewed_again() -> None:
    world = new_world()
    task = world.started()
    world.do(world.human, CompleteTask(task_id=task))

    world.do(world.owner, ReopenTask(task_id=task, reason="a typo"))

    row = world.task(task)
    assert (row.status, row.completed_at, row.progress) == ("review", None, 100)
    assert world.counted() == (1, 0)
    assert world.event()[1]["note"] == {"reason": "a typo"}
    world.do(world.owner, ApproveTask(task_id=task))


def test_a_task_that_was_completed_unbegun_has_begun_when_it_is_reviewed() -> None:
    world = new_world()
    task = world.create()
    world.do(world.human, CompleteTask(task_id=task))
    completed_at = world.task(task).completed_at
    world.pass_time(hours=1)

    world.do(world.owner, ReopenTask(task_id=task))

    assert world.task(task).started_at == completed_at


def test_a_cancelled_task_is_to_be_done_after_all() -> None:
    world = new_world()
    task = world.create()
    world.do(world.human, CancelTask(task_id=task))

    world.do(world.human, ReopenTask(task_id=task))

    assert (world.task(task).status, world.task(task).started_at) == ("pending", None)


def test_only_failed_tasks_are_retried_and_only_closed_ones_reopened() -> None:
    world = new_world()
    task, token = world.claimed()

    for payload in (RetryTask(task_id=task), ReopenTask(task_id=task)):
        assert world.refuse(world.human, payload).code == "illegal_transition"
    world.do(world.agent, FailTask(task_id=task, token=token, reason="no", permanent=True))
    refusal = world.refuse(world.human, ReopenTask(task_id=task))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("pending",))


def test_nothing_is_taken_up_by_strangers_or_in_an_archived_project() -> None:
    world = new_world()
    task = world.create()
    world.do(world.human, CancelTask(task_id=task))

    assert world.refuse(world.stranger, ReopenTask(task_id=task)).code == "not_a_member"
    world.do(world.owner, ArchiveProject(project_id=world.project_id))
    for payload in (RetryTask(task_id=task), ReopenTask(task_id=task)):
        assert world.refuse(world.human, payload).code == "not_allowed"
