"""What work may cost: usage is reported, budgets are raised, and hard limits stop the work."""

from typing import Any

from jobs.board import Board
from jobs.entities import Task, TaskStatus
from jobs.payloads.lifecycle import BUDGET, ReportUsage
from jobs.payloads.task import RaiseBudget
from jobs.rules.consequences import change
from jobs.rules.find import live_project, live_task
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_holder, require_owner
from jobs.rules.resume import resume
from jobs.rules.transitions import require_status
from jobs.rules.usage import amounts_of, is_exceeded, spend

IN_PROGRESS = frozenset({TaskStatus.IN_PROGRESS})


def report_usage(board: Board, payload: ReportUsage) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, IN_PROGRESS, "report usage")
    spend(board, task, "task.usage_reported", amounts_of(payload.usage))
    stop_if_exceeded(board, task)
    return task_result(task) | {"usage": task.usage}


def raise_budget(board: Board, payload: RaiseBudget) -> dict[str, Any]:
    """The budget is replaced; a task that the old one stopped goes on, if nothing else stops it."""
    task = live_task(board, payload.task_id)
    require_owner(board, live_project(board, task.project_id))
    is_stopped = task.status is TaskStatus.BLOCKED and task.blocked_reason == BUDGET
    board.record("task.budget_raised", task, budget=payload.budget.stored())
    if is_stopped and not is_exceeded(board, task):
        resume(board, task, "task.unblocked")
    return task_result(task)


def stop_if_exceeded(board: Board, task: Task) -> None:
    """Under a budget that is used up the work waits for the owner; it stays its assignee's."""
    if not is_exceeded(board, task):
        return
    board.end_lease(task)
    change(
        board,
        task,
        "task.blocked",
        parts={"lease": None},
        status=TaskStatus.BLOCKED,
        blocked_reason=BUDGET,
    )
