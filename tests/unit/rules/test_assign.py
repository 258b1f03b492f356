"""assign and comment: who gets a task, and what is said about it."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import ProjectStatus
from jobs.payloads.lifecycle import CompleteTask
from jobs.payloads.task import AssignTask, CommentTask
from tests.unit.rules.world import NOON, World, new_world


def test_an_assigned_task_is_for_that_worker() -> None:
    world = new_world()
    task_id = world.create()

    told = world.do(world.human, AssignTask(task_id=task_id, worker_id=world.agent))

    assert told == {"task_id": task_id, "status": "pending", "version": 2}
    assert world.task(task_id).assignee_id == world.agent
    assert world.event() == ("task.assigned", {"assignee_id": world.agent})


def test_a_task_is_assigned_to_members_only() -> None:
    world = new_world()
    task_id = world.create()

    for worker_id, code in ((world.stranger, "not_a_member"), (uuid7(), "not_found")):
        refusal = world.refuse(world.owner, AssignTask(task_id=task_id, worker_id=worker_id))
        assert refusal.code == code


def test_a_deactivated_worker_is_assigned_nothing() -> None:
    world = new_world()
    world.worker(world.agent).deactivated_at = NOON
    job = AssignTask(task_id=world.create(), worker_id=world.agent)

    assert world.refuse(world.owner, job).code == "not_allowed"


def test_only_members_assign() -> None:
    world = new_world()
    job = AssignTask(task_id=world.create(), worker_id=world.agent)

    assert world.refuse(world.stranger, job).code == "not_a_member"


def test_nothing_is_assigned_in_an_archived_project() -> None:
    world = new_world()
    job = AssignTask(task_id=world.create(), worker_id=world.agent)
    world.project().status = ProjectStatus.ARCHIVED

    assert world.refuse(world.owner, job).code == "not_allowed"


def test_a_leased_task_is_not_taken_away() -> None:
    world = new_world()
    task_id, _ = world.claimed()
    job = AssignTask(task_id=task_id, worker_id=world.human)

    assert world.refuse(world.owner, job).code == "leased_to_other"
    assert world.refuse(world.agent, job).code == "not_allowed"
    assert world.refuse(None, job).code == "leased_to_other"


def test_a_task_in_progress_goes_on_with_another_human_but_not_with_an_agent() -> None:
    world = new_world()
    task_id = world.started()

    world.do(world.owner, AssignTask(task_id=task_id, worker_id=world.owner))

    refusal = world.refuse(world.owner, AssignTask(task_id=task_id, worker_id=world.agent))
    assert (refusal.code, refusal.observed.status) == ("not_allowed", "in_progress")
    assert world.task(task_id).assignee_id == world.owner


@pytest.mark.parametrize("leased", [True, False])
def test_a_blocked_task_is_assigned_unless_its_lease_is_kept(*, leased: bool) -> None:
    world = new_world()
    job = AssignTask(task_id=world.blocked(leased=leased), worker_id=world.other)

    if leased:
        assert world.refuse(world.owner, job).code == "leased_to_other"
    else:
        assert world.do(world.owner, job)["status"] == "blocked"


def test_a_task_that_has_ended_is_assigned_to_nobody() -> None:
    world = new_world()
    task_id = world.started()
    world.do(world.human, CompleteTask(task_id=task_id))

    refusal = world.refuse(world.owner, AssignTask(task_id=task_id, worker_id=world.agent))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("review",))
    assert (refusal.observed.status, refusal.observed.version) == ("completed", 3)


def test_a_comment_stands_in_the_history_of_its_task() -> None:
    world = new_world()
    task_id, comment_id = world.create(), uuid7()
    job = CommentTask(task_id=task_id, comment_id=comment_id, body="Looks good")

    told = world.do(world.human, job)

    assert (told["comment_id"], told["version"]) == (comment_id, 2)
    (comment,) = world.board.new_comments
    assert (comment.id, comment.author_id, comment.body) == (comment_id, world.human, "Looks good")
    kind, data = world.event()
    part = {"id": comment_id, "author_id": world.human, "body": "Looks good"}
    assert (kind, data) == ("task.commented", {"comment": part})


@pytest.mark.parametrize("status", ["claimed", "submitted", "archived"])
def test_members_may_always_comment(status: str) -> None:
    world = new_world()
    task_id = world.submitted() if status == "submitted" else world.claimed()[0]
    if status == "archived":
        world.project().status = ProjectStatus.ARCHIVED

    world.do(world.other, _remark(task_id))


def test_only_members_comment_and_the_system() -> None:
    world = new_world()
    task_id = world.create()

    assert world.refuse(world.stranger, _remark(task_id)).code == "not_a_member"
    world.do(None, _remark(task_id))
    assert world.board.new_comments[-1].author_id is None


def test_a_comment_id_is_used_once() -> None:
    world = new_world()
    job = _remark(world.create())
    world.do(world.human, job)

    assert world.refuse_on_the_board(world.human, job).code == "already_exists"


def test_there_is_nothing_to_say_about_a_deleted_task() -> None:
    world = new_world()
    task_id = _deleted(world)

    assert world.refuse(world.human, _remark(task_id)).code == "not_found"
    job = AssignTask(task_id=task_id, worker_id=world.agent)
    assert world.refuse(world.human, job).code == "not_found"


def _remark(task_id: UUID) -> CommentTask:
    return CommentTask(task_id=task_id, comment_id=uuid7(), body="Looks good")


def _deleted(world: World) -> UUID:
    task_id = world.create()
    world.task(task_id).deleted_at = NOON
    return task_id
