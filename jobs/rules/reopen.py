"""The rules that bring a settled task back."""

from typing import Any

from jobs.board import Board
from jobs.entities import TaskStatus
from jobs.payloads.lifecycle import ReopenTask, RetryTask
from jobs.rules.consequences import change
from jobs.rules.find import active_project, live_task
from jobs.rules.outcome import task_result
from jobs.rules.permissions import fit_assignee, require_member
from jobs.rules.transitions import require_status

FAILED = frozenset({TaskStatus.FAILED})
CLOSED = frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELLED})


def retry(board: Board, payload: RetryTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    active_project(board, task.project_id)
    require_member(board, task.project_id)
    require_status(task, FAILED, "be retried")
    change(
        board,
        task,
        "task.retried",
        status=TaskStatus.PENDING,
        assignee_id=fit_assignee(board, task, task.assignee_id),
        attempt=0,
        failure=None,
    )
    return task_result(task)


def reopen(board: Board, payload: ReopenTask) -> dict[str, Any]:
    """What was completed is reviewed again; what was cancelled is to be done after all."""
    task = live_task(board, payload.task_id)
    active_project(board, task.project_id)
    require_member(board, task.project_id)
    require_status(task, CLOSED, "be reopened")
    was_completed = task.status is TaskStatus.COMPLETED
    change(
        board,
        task,
        "task.reopened",
        parts={"note": {"reason": payload.reason}},
        status=TaskStatus.REVIEW if was_completed else TaskStatus.PENDING,
        # Whoever left while it was settled did not have it taken from him.
        assignee_id=fit_assignee(board, task, task.assignee_id),
        # Who completed it from pending never began; what is reviewed has been worked on.
        started_at=task.started_at or task.completed_at,
        completed_at=None,
    )
    return task_result(task)
