"""The rule that reminds of a task."""

from typing import Any

from jobs.board import Board
from jobs.errors import Aborted
from jobs.payloads.lifecycle import RemindTask
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result


def remind(board: Board, payload: RemindTask) -> dict[str, Any]:
    """The history says that somebody was told; nothing else about the task changes."""
    task = live_task(board, payload.task_id)
    is_ahead = task.due_at == payload.due_at and board.now < payload.due_at
    if not task.is_open or task.assignee_id is None or not is_ahead:
        raise Aborted(
            "The task is settled, nobody's, or due at another time; nothing is to be done.",
            observed=seen(task),
        )
    reminder = {"horizon": payload.horizon, "due_at": payload.due_at}
    board.record("task.reminded", task, parts={"reminder": reminder})
    return task_result(task)
