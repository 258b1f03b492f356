"""Deletion is orthogonal to the status: what was deleted together comes back together."""

from uuid import uuid4

import pytest

from jobs.payloads.lifecycle import (
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    ExpireLease,
    ReportProgress,
)
from jobs.payloads.task import (
    MAX_TREE_DEPTH,
    CommentTask,
    DeleteTask,
    MoveTask,
    PurgeTask,
    RestoreTask,
    UpdateTask,
)
from tests.unit.rules.world import World, new_world


def test_a_task_is_deleted_with_its_live_descendants_under_one_id() -> None:
    world = new_world()
    root = world.create()
    child = world.create(parent_id=root)
    grandchild = world.create(parent_id=child)
    done = world.create(parent_id=root)
    world.do(world.human, CompleteTask(task_id=done))

    deleted = world.do(world.human, DeleteTask(task_id=root, reason="twice"))

    tasks = [world.task(task_id) for task_id in (root, child, grandchild, done)]
    assert (deleted["deleted"], {task.deletion_id for task in tasks}) == (
        4,
        {deleted["deletion_id"]},
    )
    assert [task.status for task in tasks] == ["pending", "pending", "pending", "completed"]
    assert {event.kind for event in world.board.events[-4:]} == {"task.deleted"}
    assert world.counted() == (0, 0)


def test_restoring_brings_back_exactly_what_was_deleted_together() -> None:
    world = new_world()
    root = world.create()
    child, gone = world.create(parent_id=root), world.create(parent_id=root)
    below = world.create(parent_id=child)
    world.do(world.human, DeleteTask(task_id=gone))
    world.do(world.human, DeleteTask(task_id=root))

    restored = world.do(world.human, RestoreTask(task_id=root))

    is_deleted = [world.task(t).deleted_at is not None for t in (root, child, below, gone)]
    assert (restored["restored"], is_deleted) == (3, [False, False, False, True])
    assert world.counted() == (3, 0)
    world.do(world.human, RestoreTask(task_id=gone))


def test_nothing_can_be_done_with_a_deleted_task() -> None:
    world = new_world()
    task = world.create()
    world.do(world.human, DeleteTask(task_id=task))

    for payload in (
        ClaimTask(task_id=task),
        UpdateTask(task_id=task, title="New"),
        CommentTask(task_id=task, comment_id=uuid4(), body="Hm"),
        MoveTask(task_id=task, parent_id=None),
        CancelTask(task_id=task),
        DeleteTask(task_id=task),
    ):
        assert world.refuse(world.agent, payload).code == "not_found"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []


def test_a_leased_task_that_is_deleted_is_given_back_first() -> None:
    world = new_world()
    task, token = world.claimed(assignee_id=None)

    world.do(world.owner, DeleteTask(task_id=task))
    late = world.refuse(world.agent, ReportProgress(task_id=task, token=token, percent=5))
    world.do(world.owner, RestoreTask(task_id=task))

    assert late.code == "not_found"
    assert (world.task(task).status, world.task(task).assignee_id) == ("pending", None)
    assert (world.lease(task), world.task(task).attempt) == (None, 0)
    assert world.claim(world.other, task) == token + 1


def test_a_blocked_task_that_is_deleted_stays_blocked_without_its_lease() -> None:
    world = new_world()
    task, token = world.claimed()
    block = BlockTask(task_id=task, token=token, reason="no key", keep_lease=True)
    world.do(world.agent, block)

    world.do(world.owner, DeleteTask(task_id=task))

    assert (world.task(task).status, world.lease(task)) == ("blocked", None)


def test_what_lies_below_a_deleted_task_is_restored_with_it_only() -> None:
    world = new_world()
    root = world.create()
    child = world.create(parent_id=root)
    world.do(world.human, DeleteTask(task_id=root))

    refusal = world.refuse(world.human, RestoreTask(task_id=child))

    assert refusal.code == "not_allowed"
    assert str(root) in refusal.message


def test_only_what_is_deleted_is_restored() -> None:
    world = new_world()
    task = world.create()

    live = world.refuse(world.human, RestoreTask(task_id=task))
    nothing = world.refuse(world.human, RestoreTask(task_id=uuid4()))

    assert (live.code, nothing.code) == ("not_allowed", "not_found")


def test_a_tree_of_which_a_part_was_purged_is_not_restored() -> None:
    world = new_world()
    root = world.create()
    child = world.create(parent_id=root)
    world.do(world.human, DeleteTask(task_id=root))
    world.do(None, PurgeTask(task_id=child))

    refusal = world.refuse(world.human, RestoreTask(task_id=root))

    assert refusal.code == "not_allowed"


def test_a_restored_tree_is_no_deeper_than_a_new_one() -> None:
    world = new_world()
    chain = [world.create()]
    for _ in range(MAX_TREE_DEPTH - 2):
        chain.append(world.create(parent_id=chain[-1]))
    task = world.create(parent_id=chain[0])
    world.create(parent_id=task)
    world.do(world.human, DeleteTask(task_id=task))
    # Nobody can move a deleted task; but where it hangs may have sunk meanwhile.
    world.board.parents[world.task(task).key] = world.task(chain[-1]).key
    world.task(task).parent_id = chain[-1]

    refusal = world.refuse(world.human, RestoreTask(task_id=task))

    assert refusal.code == "limit_exceeded"


def test_only_members_delete_and_restore() -> None:
    world = new_world()
    task, gone = world.create(), world.create()
    world.do(world.human, DeleteTask(task_id=gone))

    for payload in (DeleteTask(task_id=task), RestoreTask(task_id=gone)):
        assert world.refuse(world.stranger, payload).code == "not_a_member"


def test_a_purged_task_says_nothing_any_more() -> None:
    world = _with_a_deleted_task()
    task_id = next(iter(world.board.tasks))[1]

    world.do(None, PurgeTask(task_id=task_id))

    task = world.task(task_id)
    assert (task.title, task.description, task.tags, task.attributes) == ("(purged)", None, [], {})
    assert (task.purged_at, task.status) == (world.board.now, "pending")
    assert world.board.erased_comments == {task.key}
    assert world.refuse(world.human, RestoreTask(task_id=task_id)).code == "not_allowed"


@pytest.mark.parametrize("times", [0, 2])
def test_only_a_deleted_task_is_purged_and_once(times: int) -> None:
    world = _with_a_deleted_task()
    deleted, live = next(iter(world.board.tasks))[1], world.create()
    if times:
        world.do(None, PurgeTask(task_id=deleted))

    refusal = world.refuse(None, PurgeTask(task_id=deleted if times else live))

    assert refusal.code == "aborted"


def test_a_lease_that_outlived_its_task_still_ends() -> None:
    world = new_world()
    task, token = world.claimed()
    world.pass_time(minutes=2)
    world.task(task).deleted_at = world.board.now
    world.task(task).deletion_id = uuid4()

    world.do(None, ExpireLease(task_id=task, token=token))

    assert (world.task(task).status, world.lease(task)) == ("pending", None)


def _with_a_deleted_task() -> World:
    world = new_world()
    task = world.create(description="All about it", tags=["a"], attributes={"b": 1})
    world.do(world.human, CommentTask(task_id=task, comment_id=uuid4(), body="Hm"))
    world.do(world.human, DeleteTask(task_id=task))
    return world
