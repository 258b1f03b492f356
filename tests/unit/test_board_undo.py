"""The board: what a refused or interrupted job did is undone, whatever it was."""

from collections.abc import Callable

import pytest
from uuid_utils.compat import uuid7

from jobs.board import Board
from jobs.entities import (
    Comment,
    Dependency,
    Member,
    Priority,
    Role,
    Task,
)
from tests.unit.boards import CAUSE, PROJECT, TENANT, board_with_a_task, new_lease, new_task
from tests.unit.rules.narrowing import snapshot
from tests.unit.rules.world import NOON

Act = Callable[[Board, Task], object]


class GaveUpError(Exception):
    """What a rule raises halfway."""


def _record(board: Board, task: Task) -> None:
    board.record("task.progressed", task, progress=40, tags=["a"])
    board.record("task.prioritised", task, priority=Priority.HIGH, progress=50)
    board.derive(task, unmet_dependencies=4)


def _assign(board: Board, task: Task) -> None:
    board.record("task.assigned", task, assignee_id=uuid7())


def _create(board: Board, task: Task) -> None:
    child = new_task(parent=task)
    board.create("task.created", child)
    board.create("task.created", new_task(parent=child))
    board.create("task.created", new_task())
    board.record("task.progressed", child, progress=1)


def _lend(board: Board, task: Task) -> None:
    board.put_lease(new_lease(task))
    board.end_lease(task)
    board.put_lease(new_lease(task))


def _count(board: Board, task: Task) -> None:
    board.count(task, tasks=1)
    board.count(task, completed=1)
    board.claim_name(board.slugs, (TENANT, f"slug-{len(board.slugs)}"))


def _add_parts(board: Board, task: Task) -> None:
    board.add_comment(Comment(TENANT, uuid7(), task.id, None, "Hm", NOON))
    board.add_member(Member(TENANT, PROJECT.id, uuid7(), Role.MEMBER, NOON))


def _join(board: Board, task: Task) -> None:
    other = new_task(parent=task)
    board.create("task.created", other)
    edge = Dependency(TENANT, task.id, other.id)
    board.add_dependency(edge)
    board.remove_dependency(edge)
    board.add_dependency(edge)


def _hide(board: Board, task: Task) -> None:
    child = new_task(parent=task)
    board.create("task.created", child)
    board.unplace(child)
    board.erase_comments(task)
    member = Member(TENANT, PROJECT.id, uuid7(), Role.MEMBER, NOON)
    board.add_member(member)
    board.remove_member(member)


def test_a_refused_job_adds_no_column_to_what_an_earlier_one_saves() -> None:
    board, task = board_with_a_task()
    with board.caused_by(CAUSE):
        board.record("task.progressed", task, progress=40)

    with pytest.raises(GaveUpError):
        _interrupt(GaveUpError(), board, task, _assign)

    (change,) = board.changes.values()
    assert change.columns == {"progress", "updated_at", "version"}


ACTS = [_record, _create, _lend, _count, _add_parts, _join, _hide]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("earlier", [None, *ACTS])
def test_whatever_a_refused_job_did_is_undone(act: Act, earlier: Act | None) -> None:
    board, task = board_with_a_task()
    if earlier is not None:
        with board.caused_by(CAUSE):
            earlier(board, task)
    before = snapshot(board)

    with pytest.raises(GaveUpError):
        _interrupt(GaveUpError(), board, task, _lend, act)

    assert snapshot(board) == before


def test_a_lease_that_a_refused_job_ended_goes_on() -> None:
    board, task = board_with_a_task()
    with board.caused_by(CAUSE):
        _lend(board, task)
    before = snapshot(board)

    with pytest.raises(GaveUpError):
        _interrupt(GaveUpError(), board, task, Board.end_lease)

    assert snapshot(board) == before


def test_a_job_that_is_interrupted_leaves_nothing_either() -> None:
    board, task = board_with_a_task()
    before = snapshot(board)

    with pytest.raises(KeyboardInterrupt):
        _interrupt(KeyboardInterrupt(), board, task, _record)

    assert snapshot(board) == before


def _interrupt(error: BaseException, board: Board, task: Task, *acts: Act) -> None:
    with board.caused_by(CAUSE):
        for act in acts:
            act(board, task)
        raise error
