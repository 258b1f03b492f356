"""The board: every change is an event, and what a refused job did is undone."""

import pytest
from uuid_utils.compat import uuid7

from jobs.board import Board
from jobs.entities import (
    Comment,
    Member,
    Role,
    Tally,
)
from jobs.errors import KinUnknown
from tests.unit.boards import CAUSE, PROJECT, TENANT, board_with_a_task, new_lease, new_task
from tests.unit.rules.world import NOON


def test_a_change_raises_the_version_and_is_one_event() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE):
        board.record("task.progressed", task, progress=40)

    (event,) = board.events
    assert (task.progress, task.version, task.updated_at) == (40, 8, board.now)
    assert (event.seq, event.kind, event.data) == (8, "task.progressed", {"progress": 40})
    assert (event.entity_type, event.entity_id, event.title) == ("task", task.id, task.title)
    assert (event.job_id, event.actor_id, event.at) == (CAUSE.job_id, None, board.now)


def test_new_members_and_comments_are_saved_in_their_order() -> None:
    board, task = board_with_a_task()
    members = [Member(TENANT, PROJECT.id, uuid7(), Role.MEMBER, NOON) for _ in range(2)]
    comment = Comment(TENANT, uuid7(), task.id, None, "Hm", NOON)

    with board.caused_by(CAUSE):
        for member in members:
            board.add_member(member)
        board.add_comment(comment)

    assert list(board.member_changes.values()) == members
    assert board.new_comments == [comment]


def test_what_is_saved_is_what_changed_against_the_rows_version() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE):
        board.record("task.progressed", task, progress=40)
        board.record("task.assigned", task, assignee_id=None)

    (change,) = board.changes.values()
    assert change.base_version == 7
    assert change.columns == {"progress", "assignee_id", "updated_at", "version"}


def test_a_new_entity_has_no_base_version_and_tells_all_of_itself() -> None:
    board = Board(NOON)
    task = new_task()

    with board.caused_by(CAUSE):
        board.create("task.created", task, note={"reason": "why not"})

    (change,) = board.changes.values()
    (event,) = board.events
    assert (change.base_version, task.version, event.seq) == (None, 1, 1)
    assert event.data["title"] == "Task"
    assert event.data["note"] == {"reason": "why not"}
    assert not {"version", "updated_at", "tenant_id", "unmet_dependencies"} & event.data.keys()


def test_a_derived_column_changes_without_event_and_version() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE):
        board.derive(task, unmet_dependencies=2)

    assert (task.unmet_dependencies, task.version, board.events) == (2, 7, [])


def test_an_own_column_cannot_be_derived() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE), pytest.raises(ValueError, match="progress"):
        board.derive(task, progress=1)


def test_parts_stand_in_the_event_only() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE):
        board.record("task.commented", task, parts={"comment": {"body": "Hm"}})

    assert board.events[0].data == {"comment": {"body": "Hm"}}
    assert next(iter(board.changes.values())).columns == {"updated_at", "version"}


def test_nothing_changes_without_a_cause() -> None:
    board, task = board_with_a_task()

    with pytest.raises(RuntimeError):
        board.record("task.progressed", task, progress=1)


def test_a_lease_counts_for_its_holder_until_it_ends() -> None:
    board, task = board_with_a_task()
    lease = new_lease(task)
    holder = (TENANT, lease.holder_id)

    with board.caused_by(CAUSE):
        board.put_lease(lease)
        board.put_lease(new_lease(task, lease.holder_id))
        assert board.held[holder] == 1
        assert board.lease_changes == {task.key: board.leases[task.key]}
        board.end_lease(task)

    assert board.held[holder] == 0
    assert board.leases == {}
    assert board.lease_changes == {task.key: None}


def test_ending_no_lease_changes_nothing() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE):
        assert board.end_lease(task) is None

    assert board.lease_changes == {}


def test_counts_of_a_batch_are_added_up() -> None:
    board, task = board_with_a_task()

    with board.caused_by(CAUSE):
        board.count(task, tasks=1)
        board.count(task, tasks=1, completed=1)

    assert board.tally == {PROJECT.key: Tally(*PROJECT.key, tasks=2, completed=1)}


def test_a_new_task_knows_its_depth_and_its_parent_knows_it() -> None:
    board, task = board_with_a_task()
    child = new_task(parent=task)

    with board.caused_by(CAUSE):
        board.create("task.created", child)

    assert board.depth(child.key) == 2
    assert board.children == {task.key: {child.key}, child.key: set()}


def test_a_task_that_moves_takes_what_is_below_it_along() -> None:
    board, task = board_with_a_task()
    branch, twig, leaf = new_task(parent=task), new_task(parent=task), new_task()
    leaf.parent_id = twig.id
    with board.caused_by(CAUSE):
        for new in (branch, twig, leaf):
            board.create("task.created", new)
        board.record("task.moved", twig, parent_id=branch.id)
        board.place(twig)

    assert [board.depth(one.key) for one in (task, branch, twig, leaf)] == [1, 2, 3, 4]
    assert board.children[task.key] == {branch.key}
    assert board.children[branch.key] == {twig.key}


def test_what_was_not_read_is_not_taken_for_nothing() -> None:
    board, task = board_with_a_task()
    stranger = new_task()

    for ask in (board.children_of, board.dependents_of, board.restorable_of):
        assert ask(task) == set()
        with pytest.raises(KinUnknown):
            ask(stranger)
    with pytest.raises(KinUnknown):
        board.kin(stranger.key)
