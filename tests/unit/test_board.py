"""The board: every change is an event, and what a refused job did is undone."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.board import Board
from jobs.changes import Cause
from jobs.entities import (
    Comment,
    Dependency,
    Lease,
    Member,
    Priority,
    Project,
    Role,
    Tally,
    Task,
)
from jobs.errors import KinUnknown
from tests.unit.rules.narrowing import snapshot
from tests.unit.rules.world import NOON

TENANT = uuid7()
PROJECT = Project(TENANT, uuid7(), "relaunch", "Relaunch", NOON, NOON)
CAUSE = Cause(TENANT, uuid7(), None)


Act = Callable[[Board, Task], object]


class GaveUpError(Exception):
    """What a rule raises halfway."""


def test_a_change_raises_the_version_and_is_one_event() -> None:
    board, task = _board()

    with board.caused_by(CAUSE):
        board.record("task.progressed", task, progress=40)

    (event,) = board.events
    assert (task.progress, task.version, task.updated_at) == (40, 8, board.now)
    assert (event.seq, event.kind, event.data) == (8, "task.progressed", {"progress": 40})
    assert (event.entity_type, event.entity_id, event.title) == ("task", task.id, task.title)
    assert (event.job_id, event.actor_id, event.at) == (CAUSE.job_id, None, board.now)


def test_new_members_and_comments_are_saved_in_their_order() -> None:
    board, task = _board()
    members = [Member(TENANT, PROJECT.id, uuid7(), Role.MEMBER, NOON) for _ in range(2)]
    comment = Comment(TENANT, uuid7(), task.id, None, "Hm", NOON)

    with board.caused_by(CAUSE):
        for member in members:
            board.add_member(member)
        board.add_comment(comment)

    assert list(board.member_changes.values()) == members
    assert board.new_comments == [comment]


def test_a_refused_job_adds_no_column_to_what_an_earlier_one_saves() -> None:
    board, task = _board()
    with board.caused_by(CAUSE):
        board.record("task.progressed", task, progress=40)

    with pytest.raises(GaveUpError):
        _interrupt(GaveUpError(), board, task, _assign)

    (change,) = board.changes.values()
    assert change.columns == {"progress", "updated_at", "version"}


def test_what_is_saved_is_what_changed_against_the_rows_version() -> None:
    board, task = _board()

    with board.caused_by(CAUSE):
        board.record("task.progressed", task, progress=40)
        board.record("task.assigned", task, assignee_id=None)

    (change,) = board.changes.values()
    assert change.base_version == 7
    assert change.columns == {"progress", "assignee_id", "updated_at", "version"}


def test_a_new_entity_has_no_base_version_and_tells_all_of_itself() -> None:
    board = Board(NOON)
    task = _task()

    with board.caused_by(CAUSE):
        board.create("task.created", task, note={"reason": "why not"})

    (change,) = board.changes.values()
    (event,) = board.events
    assert (change.base_version, task.version, event.seq) == (None, 1, 1)
    assert event.data["title"] == "Task"
    assert event.data["note"] == {"reason": "why not"}
    assert not {"version", "updated_at", "tenant_id", "unmet_dependencies"} & event.data.keys()


def test_a_derived_column_changes_without_event_and_version() -> None:
    board, task = _board()

    with board.caused_by(CAUSE):
        board.derive(task, unmet_dependencies=2)

    assert (task.unmet_dependencies, task.version, board.events) == (2, 7, [])


def test_an_own_column_cannot_be_derived() -> None:
    board, task = _board()

    with board.caused_by(CAUSE), pytest.raises(ValueError, match="progress"):
        board.derive(task, progress=1)


def test_parts_stand_in_the_event_only() -> None:
    board, task = _board()

    with board.caused_by(CAUSE):
        board.record("task.commented", task, parts={"comment": {"body": "Hm"}})

    assert board.events[0].data == {"comment": {"body": "Hm"}}
    assert next(iter(board.changes.values())).columns == {"updated_at", "version"}


def test_nothing_changes_without_a_cause() -> None:
    board, task = _board()

    with pytest.raises(RuntimeError):
        board.record("task.progressed", task, progress=1)


def test_a_lease_counts_for_its_holder_until_it_ends() -> None:
    board, task = _board()
    lease = _lease(task)
    holder = (TENANT, lease.holder_id)

    with board.caused_by(CAUSE):
        board.put_lease(lease)
        board.put_lease(_lease(task, lease.holder_id))
        assert board.held[holder] == 1
        assert board.lease_changes == {task.key: board.leases[task.key]}
        board.end_lease(task)

    assert board.held[holder] == 0
    assert board.leases == {}
    assert board.lease_changes == {task.key: None}


def test_ending_no_lease_changes_nothing() -> None:
    board, task = _board()

    with board.caused_by(CAUSE):
        assert board.end_lease(task) is None

    assert board.lease_changes == {}


def test_counts_of_a_batch_are_added_up() -> None:
    board, task = _board()

    with board.caused_by(CAUSE):
        board.count(task, tasks=1)
        board.count(task, tasks=1, completed=1)

    assert board.tally == {PROJECT.key: Tally(*PROJECT.key, tasks=2, completed=1)}


def test_a_new_task_knows_its_depth_and_its_parent_knows_it() -> None:
    board, task = _board()
    child = _task(parent=task)

    with board.caused_by(CAUSE):
        board.create("task.created", child)

    assert board.depth(child.key) == 2
    assert board.children == {task.key: {child.key}, child.key: set()}


def test_a_task_that_moves_takes_what_is_below_it_along() -> None:
    board, task = _board()
    branch, twig, leaf = _task(parent=task), _task(parent=task), _task()
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
    board, task = _board()
    stranger = _task()

    for ask in (board.children_of, board.dependents_of, board.restorable_of):
        assert ask(task) == set()
        with pytest.raises(KinUnknown):
            ask(stranger)
    with pytest.raises(KinUnknown):
        board.kin(stranger.key)


def _record(board: Board, task: Task) -> None:
    board.record("task.progressed", task, progress=40, tags=["a"])
    board.record("task.prioritised", task, priority=Priority.HIGH, progress=50)
    board.derive(task, unmet_dependencies=4)


def _assign(board: Board, task: Task) -> None:
    board.record("task.assigned", task, assignee_id=uuid7())


def _create(board: Board, task: Task) -> None:
    child = _task(parent=task)
    board.create("task.created", child)
    board.create("task.created", _task(parent=child))
    board.create("task.created", _task())
    board.record("task.progressed", child, progress=1)


def _lend(board: Board, task: Task) -> None:
    board.put_lease(_lease(task))
    board.end_lease(task)
    board.put_lease(_lease(task))


def _count(board: Board, task: Task) -> None:
    board.count(task, tasks=1)
    board.count(task, completed=1)
    board.claim_name(board.slugs, (TENANT, f"slug-{len(board.slugs)}"))


def _add_parts(board: Board, task: Task) -> None:
    board.add_comment(Comment(TENANT, uuid7(), task.id, None, "Hm", NOON))
    board.add_member(Member(TENANT, PROJECT.id, uuid7(), Role.MEMBER, NOON))


def _join(board: Board, task: Task) -> None:
    other = _task(parent=task)
    board.create("task.created", other)
    edge = Dependency(TENANT, task.id, other.id)
    board.add_dependency(edge)
    board.remove_dependency(edge)
    board.add_dependency(edge)


def _hide(board: Board, task: Task) -> None:
    child = _task(parent=task)
    board.create("task.created", child)
    board.unplace(child)
    board.erase_comments(task)
    member = Member(TENANT, PROJECT.id, uuid7(), Role.MEMBER, NOON)
    board.add_member(member)
    board.remove_member(member)


ACTS = [_record, _create, _lend, _count, _add_parts, _join, _hide]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("earlier", [None, *ACTS])
def test_whatever_a_refused_job_did_is_undone(act: Act, earlier: Act | None) -> None:
    board, task = _board()
    if earlier is not None:
        with board.caused_by(CAUSE):
            earlier(board, task)
    before = snapshot(board)

    with pytest.raises(GaveUpError):
        _interrupt(GaveUpError(), board, task, _lend, act)

    assert snapshot(board) == before


def test_a_lease_that_a_refused_job_ended_goes_on() -> None:
    board, task = _board()
    with board.caused_by(CAUSE):
        _lend(board, task)
    before = snapshot(board)

    with pytest.raises(GaveUpError):
        _interrupt(GaveUpError(), board, task, Board.end_lease)

    assert snapshot(board) == before


def test_a_job_that_is_interrupted_leaves_nothing_either() -> None:
    board, task = _board()
    before = snapshot(board)

    with pytest.raises(KeyboardInterrupt):
        _interrupt(KeyboardInterrupt(), board, task, _record)

    assert snapshot(board) == before


def _interrupt(error: BaseException, board: Board, task: Task, *acts: Act) -> None:
    with board.caused_by(CAUSE):
        for act in acts:
            act(board, task)
        raise error


def _board() -> tuple[Board, Task]:
    """A board an hour later, with one task at version 7."""
    task = _task()
    task.version = 7
    board = Board(NOON + timedelta(hours=1))
    board.tasks[task.key] = task
    board.parents[task.key] = None
    for known in (board.children, board.dependents, board.blockers, board.restorable):
        known[task.key] = set()
    return board, task


def _task(parent: Task | None = None) -> Task:
    parent_id = None if parent is None else parent.id
    return Task(TENANT, uuid7(), PROJECT.id, "Task", NOON, NOON, parent_id=parent_id)


def _lease(task: Task, holder_id: UUID | None = None) -> Lease:
    return Lease(TENANT, task.id, holder_id or uuid7(), 1, NOON + timedelta(minutes=1), NOON)
