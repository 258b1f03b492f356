"""start, progress, submit, complete and fail: what the one who works on a task may say."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.entities import ProjectStatus
from jobs.payloads.base import Payload
from jobs.payloads.budget import Usage
from jobs.payloads.lifecycle import (
    CompleteTask,
    FailTask,
    ReportProgress,
    ReportUsage,
    StartTask,
    SubmitTask,
)
from jobs.payloads.task import AssignTask
from tests.unit.rules.world import NOON, new_world

REPORTS: list[tuple[type[Payload], dict[str, Any]]] = [
    (ReportProgress, {"percent": 50}),
    (ReportUsage, {"usage": Usage(tokens=1)}),
    (SubmitTask, {}),
    (CompleteTask, {}),
    (FailTask, {"reason": "out of ideas"}),
]


def test_a_human_who_starts_a_task_has_it_without_a_lease() -> None:
    world = new_world()
    task_id = world.create()

    world.do(world.human, StartTask(task_id=task_id))

    task = world.task(task_id)
    assert (task.status, task.assignee_id) == ("in_progress", world.human)
    assert task.started_at == NOON
    assert world.lease(task_id) is None


def test_an_agent_has_to_claim() -> None:
    world = new_world()

    assert world.refuse(world.agent, StartTask(task_id=world.create())).code == "not_allowed"


def test_only_members_start_tasks() -> None:
    world = new_world()

    assert world.refuse(world.stranger, StartTask(task_id=world.create())).code == "not_a_member"


def test_a_task_under_a_lease_is_not_started_beside_it() -> None:
    world = new_world()
    task_id, _ = world.claimed()

    assert world.refuse(world.human, StartTask(task_id=task_id)).code == "leased_to_other"


def test_a_task_starts_once() -> None:
    world = new_world()
    task_id = world.started()

    refusal = world.refuse(world.human, StartTask(task_id=task_id))

    assert refusal.code == "illegal_transition"
    assert refusal.alternatives == (
        "blocked", "cancelled", "completed", "failed", "pending", "review",
    )  # fmt: skip
    assert (refusal.observed.status, refusal.observed.version) == ("in_progress", 2)


def test_the_first_start_is_remembered() -> None:
    world = new_world()
    task_id = world.started()
    world.do(world.human, FailTask(task_id=task_id, reason="ill"))
    world.pass_time(hours=1)

    world.do(world.human, StartTask(task_id=task_id))

    assert world.task(task_id).started_at == NOON


def test_a_task_of_another_cannot_be_started() -> None:
    world = new_world()
    task_id = world.create(assignee_id=world.owner)

    assert world.refuse(world.human, StartTask(task_id=task_id)).code == "not_allowed"


def test_a_task_that_is_not_ready_cannot_be_started() -> None:
    world = new_world()
    waiting, early = world.create(), world.create(run_after=NOON + timedelta(days=1))
    world.task(waiting).unmet_dependencies = 1

    assert world.refuse(world.human, StartTask(task_id=waiting)).code == "dependencies_unmet"
    assert world.refuse(world.human, StartTask(task_id=early)).code == "not_allowed"


def test_nothing_starts_in_an_archived_project() -> None:
    world = new_world()
    task_id = world.create()
    world.project().status = ProjectStatus.ARCHIVED

    assert world.refuse(world.human, StartTask(task_id=task_id)).code == "not_allowed"


def test_progress_goes_up_and_down() -> None:
    world = new_world()
    task_id, token = world.claimed()

    for percent in (70, 30):
        told = world.do(world.agent, ReportProgress(task_id=task_id, percent=percent, token=token))
        assert told["progress"] == percent
        assert world.task(task_id).progress == percent


@pytest.mark.parametrize(("report", "fields"), REPORTS)
def test_a_report_on_a_leased_task_is_its_holders(
    report: type[Payload], fields: dict[str, Any]
) -> None:
    world = new_world()
    task_id, token = world.claimed()
    with_token = report(task_id=task_id, token=token, **fields)

    assert world.refuse(world.stranger, with_token).code == "not_a_member"
    assert world.refuse(world.other, with_token).code == "leased_to_other"
    assert world.refuse(world.agent, report(task_id=task_id, **fields)).code == "lease_lost"
    wrong = report(task_id=task_id, token=token + 1, **fields)
    assert world.refuse(world.agent, wrong).code == "lease_lost"
    world.do(world.agent, with_token)


@pytest.mark.parametrize(("report", "fields"), REPORTS)
def test_a_report_on_a_humans_task_needs_no_token_and_has_none(
    report: type[Payload], fields: dict[str, Any]
) -> None:
    world = new_world()
    task_id = world.started()

    refusal = world.refuse(world.human, report(task_id=task_id, token=1, **fields))
    assert refusal.code == "lease_lost"
    world.do(world.human, report(task_id=task_id, **fields))


@pytest.mark.parametrize(("report", "fields"), REPORTS)
def test_a_task_in_review_takes_no_reports(report: type[Payload], fields: dict[str, Any]) -> None:
    world = new_world()
    task_id = world.submitted()

    refusal = world.refuse(world.human, report(task_id=task_id, **fields))

    assert refusal.code == "illegal_transition"
    assert refusal.alternatives == ("cancelled", "completed", "in_progress", "pending")
    assert refusal.observed.status == "review"


@pytest.mark.parametrize(("report", "fields"), REPORTS)
def test_a_report_on_a_task_that_nobody_knows_is_not_found(
    report: type[Payload], fields: dict[str, Any]
) -> None:
    world = new_world()

    refusal = world.refuse(world.agent, report(task_id=world.project_id, **fields))

    assert refusal.code == "not_found"


def test_submitting_ends_the_lease_and_keeps_the_result() -> None:
    world = new_world()
    task_id, token = world.claimed()

    world.do(world.agent, SubmitTask(task_id=task_id, token=token, result={"pages": 2}))

    task = world.task(task_id)
    assert (task.status, task.result) == ("review", {"pages": 2})
    assert (task.submitted_by_id, task.assignee_id) == (world.agent, world.agent)
    assert world.lease(task_id) is None


def test_completing_ends_the_lease_and_is_counted() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.pass_time(seconds=5)

    world.do(world.agent, CompleteTask(task_id=task_id, token=token, result="done"))

    task = world.task(task_id)
    assert (task.status, task.progress, task.result) == ("completed", 100, "done")
    assert task.completed_at == NOON + timedelta(seconds=5)
    assert world.lease(task_id) is None
    assert world.board.held[world.tenant_id, world.agent] == 0
    assert world.counted() == (1, 1)


def test_a_task_that_nobody_began_can_be_completed() -> None:
    world = new_world()
    task_id = world.create()

    world.do(world.human, CompleteTask(task_id=task_id))

    assert world.task(task_id).status == "completed"
    assert world.task(task_id).started_at is None


def test_a_task_that_waits_for_others_cannot_be_completed_from_pending() -> None:
    world = new_world()
    task_id = world.create()
    world.task(task_id).unmet_dependencies = 1

    assert world.refuse(world.human, CompleteTask(task_id=task_id)).code == "dependencies_unmet"


def test_a_started_task_goes_on_whatever_it_once_waited_for() -> None:
    world = new_world()
    task_id = world.started()
    world.task(task_id).unmet_dependencies = 1

    world.do(world.human, CompleteTask(task_id=task_id))


def test_a_task_completes_once() -> None:
    world = new_world()
    task_id = world.started()
    world.do(world.human, CompleteTask(task_id=task_id))

    refusal = world.refuse(world.human, CompleteTask(task_id=task_id))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("review",))
    assert world.counted() == (1, 1)


@pytest.mark.parametrize(
    ("policy", "priority", "needs_review"),
    [
        ("none", "critical", False),
        ("critical", "high", False),
        ("critical", "critical", True),
        ("all", "low", True),
    ],
)
def test_the_approval_policy_says_which_tasks_are_reviewed(
    policy: str, priority: str, *, needs_review: bool
) -> None:
    world = new_world(approval_policy=policy)
    task_id, token = world.claimed(priority=priority)
    job = CompleteTask(task_id=task_id, token=token)

    if not needs_review:
        world.do(world.agent, job)
    else:
        refusal = world.refuse(world.agent, job)
        assert refusal.code == "approval_required"
        assert "review" in refusal.alternatives
        assert "completed" not in refusal.alternatives


def test_a_task_that_needs_review_cannot_be_completed_from_pending() -> None:
    world = new_world(approval_policy="all")

    refusal = world.refuse(world.human, CompleteTask(task_id=world.create()))

    assert refusal.code == "approval_required"
    assert refusal.alternatives == ("blocked", "cancelled", "in_progress")


def test_work_that_was_begun_can_be_finished_in_an_archived_project() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.project().status = ProjectStatus.ARCHIVED

    world.do(world.agent, ReportProgress(task_id=task_id, token=token, percent=90))
    world.do(world.agent, CompleteTask(task_id=task_id, token=token))


def test_the_one_a_task_is_given_to_goes_on_with_it() -> None:
    world = new_world()
    task_id = world.started()
    world.do(world.owner, AssignTask(task_id=task_id, worker_id=world.owner))

    world.do(world.owner, CompleteTask(task_id=task_id))

    assert world.task(task_id).assignee_id == world.owner
