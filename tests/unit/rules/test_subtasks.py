"""What the end of a parent means for the tasks below it: cancel, cascade, open subtasks."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import OPEN, TaskStatus
from jobs.payloads.lifecycle import CancelTask, CompleteTask
from tests.unit.rules.world import NOON, World, new_world


def test_cancelling_ends_the_lease_and_says_why() -> None:
    world = new_world()
    task_id, _ = world.claimed()

    told = world.do(world.human, CancelTask(task_id=task_id, reason="not needed"))

    assert (told["status"], told["cancelled"]) == ("cancelled", 1)
    assert world.lease(task_id) is None
    kind, data = world.event()
    assert (kind, data["note"]) == ("task.cancelled", {"reason": "not needed"})


@pytest.mark.parametrize("leased", [True, False])
def test_a_blocked_task_can_be_cancelled(*, leased: bool) -> None:
    world = new_world()
    task_id = world.blocked(leased=leased)
    world.task(task_id).blocked_reason = "waiting for the client"

    world.do(world.owner, CancelTask(task_id=task_id))

    task = world.task(task_id)
    assert (task.status, task.blocked_reason) == (TaskStatus.CANCELLED, None)
    assert world.lease(task_id) is None


def test_what_has_ended_cannot_be_cancelled() -> None:
    world = new_world()
    task_id = world.create()
    world.do(world.owner, CancelTask(task_id=task_id))

    refusal = world.refuse(world.owner, CancelTask(task_id=task_id))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("pending",))
    assert (refusal.observed.status, refusal.observed.version) == ("cancelled", 2)


def test_only_members_cancel() -> None:
    world = new_world()

    refusal = world.refuse(world.stranger, CancelTask(task_id=world.create()))

    assert refusal.code == "not_a_member"


def test_cancelling_a_parent_cancels_all_open_tasks_below() -> None:
    world = new_world()
    root, child, grandchild, done = _family(world)
    world.claim(world.agent, grandchild)
    events = len(world.board.events)

    told = world.do(world.owner, CancelTask(task_id=root))

    assert told["cancelled"] == 3
    assert [world.task(t).status for t in (root, child, grandchild)] == ["cancelled"] * 3
    assert world.task(done).status == "completed"
    assert world.lease(grandchild) is None
    touched = world.board.events[events:]
    assert {event.entity_id for event in touched} == {root, child, grandchild}
    assert len({event.job_id for event in touched}) == 1


def test_open_tasks_are_found_below_tasks_that_have_ended() -> None:
    world = new_world()
    root, child, grandchild, _ = _family(world)
    world.task(child).status = TaskStatus.COMPLETED

    assert world.do(world.owner, CancelTask(task_id=root))["cancelled"] == 2
    assert world.task(grandchild).status == "cancelled"
    assert world.task(child).status == "completed"


def test_a_deleted_subtask_is_left_alone() -> None:
    world = new_world()
    root, child, _, _ = _family(world)
    world.task(child).deleted_at = NOON

    world.do(world.owner, CancelTask(task_id=root))

    assert world.task(child).status == "pending"


def test_a_parent_with_open_subtasks_is_not_completed() -> None:
    world = new_world()
    root, child, _, _ = _family(world)

    refusal = world.refuse(world.human, CompleteTask(task_id=root))

    assert refusal.code == "open_subtasks"
    assert "1 subtasks are open" in refusal.message
    assert str(child) in refusal.message
    assert refusal.alternatives == ("blocked", "cancelled", "in_progress")
    assert refusal.observed.status == "pending"


def test_a_subtask_known_by_its_id_alone_is_open() -> None:
    world = new_world()
    task_id = world.create()
    key = (world.tenant_id, task_id)
    world.board.children[key] = {(world.tenant_id, uuid7())}

    refusal = world.refuse_on_the_board(world.human, CompleteTask(task_id=task_id))

    assert refusal.code == "open_subtasks"


def test_a_parent_whose_subtasks_have_ended_is_completed() -> None:
    world = new_world()
    root, child, grandchild, _ = _family(world)

    for task_id in (grandchild, child, root):
        world.do(world.human, CompleteTask(task_id=task_id))

    assert world.counted() == (4, 4)


def test_completing_with_cascade_cancels_what_is_open_below() -> None:
    world = new_world()
    root, child, grandchild, done = _family(world)

    world.do(world.human, CompleteTask(task_id=root, cascade=True))

    statuses = [world.task(t).status for t in (root, child, grandchild, done)]
    assert statuses == ["completed", "cancelled", "cancelled", "completed"]
    assert world.counted() == (4, 2)


def test_a_subtask_made_in_the_same_batch_keeps_its_parent_open() -> None:
    world = new_world()
    parent_id = world.started()
    subtask_id = world.create(parent_id=parent_id)

    assert world.refuse(world.human, CompleteTask(task_id=parent_id)).code == "open_subtasks"
    world.do(world.human, CompleteTask(task_id=subtask_id))
    world.do(world.human, CompleteTask(task_id=parent_id))


def _family(world: World) -> tuple[UUID, UUID, UUID, UUID]:
    """A root, its child and grandchild, and a second child that is completed."""
    root = world.create()
    child = world.create(parent_id=root)
    grandchild = world.create(parent_id=child)
    done = world.create(parent_id=root)
    world.do(world.human, CompleteTask(task_id=done))
    assert world.task(child).status in OPEN
    return root, child, grandchild, done
