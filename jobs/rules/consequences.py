"""What a change of one task means for those around it: counters, dependents, subtasks.

Every change of a task's status, and every deletion and restoration, goes through `change`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jobs.board import Board
from jobs.entities import Dependency, OnFailure, Task, TaskStatus

UNDONE = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})
NOT_BEGUN = frozenset({TaskStatus.PENDING, TaskStatus.BLOCKED})
"""Dependents that have left these go on, whatever becomes of their blockers."""
BLOCKER_FAILED = "a task it depends on came to nothing"
PARENT_CANCELLED = "its parent was cancelled"

Doomed = deque[tuple[Task, str | None]]
"""Tasks to be cancelled, each with the reason."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What counters and dependents need to know of a task."""

    status: TaskStatus
    is_live: bool

    @classmethod
    def of(cls, task: Task) -> "Standing":
        return cls(task.status, task.deleted_at is None)

    @property
    def is_done(self) -> bool:
        return self.is_live and self.status is TaskStatus.COMPLETED

    @property
    def is_undone(self) -> bool:
        return self.is_live and self.status in UNDONE


def change(
    board: Board, task: Task, kind: str, *, parts: dict[str, Any] | None = None, **new: Any
) -> None:
    """Records the change of `task`, and all that follows from it."""
    doomed: Doomed = deque()
    _record(board, task, doomed, kind, parts, new)
    _cancel_all(board, doomed)


def cancel(board: Board, task: Task, reason: str | None) -> int:
    """The open task and its open descendants are cancelled, and who depends on their success.

    Answers how many.
    """
    return _cancel_all(board, deque([(task, reason)]))


def cancel_below(board: Board, task: Task, reason: str) -> int:
    """As `cancel`, for what is open below `task`; the task itself stays as it is."""
    return _cancel_all(board, deque((child, reason) for child in children(board, task)))


def children(board: Board, task: Task) -> Iterable[Task]:
    """The live subtasks of the task, by id."""
    return [board.kin(key) for key in sorted(board.children_of(task))]


def is_met(edge: Dependency, blocker: Standing) -> bool:
    """Whether the dependent need not wait for a blocker that stands like this."""
    if not blocker.is_live or blocker.is_done:
        return True
    return edge.on_failure is OnFailure.IGNORE and blocker.is_undone


def count_unmet(board: Board, dependent: Task, difference: int) -> None:
    """The task waits for so many more, or fewer; who waits for nobody any more says so."""
    left = dependent.unmet_dependencies + difference
    board.derive(dependent, unmet_dependencies=left)
    is_pending = dependent.status is TaskStatus.PENDING and dependent.deleted_at is None
    if is_pending and difference < 0 and left == 0:
        board.record("task.ready", dependent)


def _cancel_all(board: Board, doomed: Doomed) -> int:
    """A queue, no recursion: a chain of dependents may be longer than Python's stack is deep."""
    cancelled = 0
    visited: set[int] = set()
    while doomed:
        task, reason = doomed.popleft()
        if id(task) in visited:
            continue
        visited.add(id(task))
        if task.is_open:
            cancelled += 1
            _cancel_one(board, task, doomed, reason)
        doomed.extend((child, PARENT_CANCELLED) for child in children(board, task))
    return cancelled


def _cancel_one(board: Board, task: Task, doomed: Doomed, reason: str | None) -> None:
    board.end_lease(task)
    parts = {"lease": None, "note": {"reason": reason}}
    new = {"status": TaskStatus.CANCELLED, "blocked_reason": None, "question": None}
    _record(board, task, doomed, "task.cancelled", parts, new)


def _record(
    board: Board,
    task: Task,
    doomed: Doomed,
    kind: str,
    parts: dict[str, Any] | None,
    new: dict[str, Any],
) -> None:
    before = Standing.of(task)
    board.record(kind, task, parts=parts, **new)
    after = Standing.of(task)
    if before == after:
        return
    tasks, completed = after.is_live - before.is_live, after.is_done - before.is_done
    if tasks or completed:
        board.count(task, tasks=tasks, completed=completed)
    if (before.is_live, before.is_done, before.is_undone) != (
        after.is_live, after.is_done, after.is_undone,
    ):  # fmt: skip
        _tell_dependents(board, task, before, after, doomed)


def _tell_dependents(
    board: Board, blocker: Task, before: Standing, after: Standing, doomed: Doomed
) -> None:
    for key in sorted(board.dependents_of(blocker)):
        edge = board.dependencies[(*key, blocker.id)]
        dependent = board.kin(key)
        was_met, met = is_met(edge, before), is_met(edge, after)
        if was_met != met:
            count_unmet(board, dependent, -1 if met else 1)
        # One that comes back from deletion as it was does not come to nothing by that.
        comes_to_nothing = before.is_live and after.is_undone
        is_cancelled_too = comes_to_nothing and edge.on_failure is OnFailure.CANCEL
        if is_cancelled_too and dependent.status in NOT_BEGUN:
            doomed.append((dependent, BLOCKER_FAILED))
