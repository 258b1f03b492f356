"""The rule that ends a task, and all below it, undone."""

from typing import Any

from jobs.board import Board
from jobs.entities import OPEN
from jobs.payloads.lifecycle import CancelTask
from jobs.rules import consequences
from jobs.rules.find import live_task
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_member
from jobs.rules.transitions import require_status


def cancel(board: Board, payload: CancelTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_status(task, OPEN, "be cancelled")
    cancelled = consequences.cancel(board, task, payload.reason)
    return task_result(task) | {"cancelled": cancelled}
