"""How a blocked task goes on, whatever had stopped it."""

from typing import Any

from jobs.board import Board
from jobs.entities import Task, TaskStatus, WorkerKind
from jobs.rules.consequences import change


def resume(
    board: Board, task: Task, kind: str, *, parts: dict[str, Any] | None = None, **new: Any
) -> None:
    """In progress with its human, or under a lease that stands; else to be claimed.

    The assignee stays: nobody else can claim the task before it is given to him.
    """
    goes_on = task.key in board.leases or _is_begun_by_a_human(board, task)
    status = TaskStatus.IN_PROGRESS if goes_on else TaskStatus.PENDING
    change(board, task, kind, parts=parts, status=status, blocked_reason=None, **new)


def _is_begun_by_a_human(board: Board, task: Task) -> bool:
    if task.assignee_id is None or task.started_at is None:
        return False
    return board.workers[task.tenant_id, task.assignee_id].kind is WorkerKind.HUMAN
