"""How a task is given back undone: by its holder, by its owner, or because somebody left."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import OPEN, Task, TaskStatus
from jobs.errors import Invalid
from jobs.payloads.lifecycle import ReleaseTask
from jobs.rules.consequences import change
from jobs.rules.find import live_project, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import former_assignee, require_holder, require_owner
from jobs.rules.transitions import require_status

HELD = frozenset({TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED})


def release(board: Board, payload: ReleaseTask) -> dict[str, Any]:
    """The work is given back; it counts as no attempt. Forced, the next token is skipped."""
    task = live_task(board, payload.task_id)
    note = {"reason": payload.reason, "forced": payload.force}
    if payload.force:
        require_owner(board, live_project(board, task.project_id))
        _require_leased(board, task)
        give_back(board, task, "task.released", note, last_token=task.last_token + 1)
        return task_result(task)
    require_holder(board, task, payload.token)
    require_status(task, HELD if task.key in board.leases else _WORKED_ON, "be released")
    give_back(board, task, "task.released", note)
    return task_result(task)


def give_back(
    board: Board, task: Task, kind: str, note: dict[str, Any] | None = None, **new: Any
) -> None:
    """Nobody works on the task any more; if it was leased it is its former assignee's again.

    What is blocked stays blocked.
    """
    lease = board.end_lease(task)
    if lease is not None:
        new = {"assignee_id": former_assignee(board, task, lease)} | new
    if task.status is TaskStatus.IN_PROGRESS:
        new["status"] = TaskStatus.PENDING
    change(board, task, kind, parts={"lease": None, "note": note}, **new)


def take_from(board: Board, task: Task, worker_id: UUID, reason: str) -> None:
    """The task is not the worker's any more, nor leased to him. To be called when he has left."""
    lease = board.leases.get(task.key)
    if lease is not None and lease.holder_id == worker_id:
        give_back(board, task, "task.released", {"reason": reason, "forced": True})
    if task.assignee_id == worker_id and task.status in OPEN and task.key not in board.leases:
        give_back(board, task, "task.unassigned", {"reason": reason}, assignee_id=None)


_WORKED_ON = frozenset({TaskStatus.IN_PROGRESS})


def _require_leased(board: Board, task: Task) -> None:
    if task.key not in board.leases:
        raise Invalid(
            "Nobody holds the task under a lease, so there is none to break; leave out force.",
            observed=seen(task),
        )
