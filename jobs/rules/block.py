"""The rules for tasks that cannot go on."""

from typing import Any

from jobs.board import Board
from jobs.entities import Task, TaskStatus
from jobs.errors import Invalid, LimitExceeded, NotAllowed
from jobs.payloads.lifecycle import BUDGET, INPUT_REQUIRED, BlockTask, UnblockTask
from jobs.rules.consequences import change
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_holder, require_member
from jobs.rules.resume import resume
from jobs.rules.transitions import require_status
from jobs.rules.usage import is_exceeded

GOING_ON = frozenset({TaskStatus.PENDING, TaskStatus.IN_PROGRESS})
BLOCKED = frozenset({TaskStatus.BLOCKED})


def block(board: Board, payload: BlockTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, GOING_ON, "be blocked")
    stop(board, task, "task.blocked", payload.reason, keep_lease=payload.keep_lease)
    return task_result(task)


def unblock(board: Board, payload: UnblockTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_status(task, BLOCKED, "be unblocked")
    if task.blocked_reason == INPUT_REQUIRED:
        raise NotAllowed(
            "The task waits for the answer to its question; provide the input.",
            observed=seen(task),
        )
    if task.blocked_reason == BUDGET and is_exceeded(board, task):
        raise LimitExceeded(
            "The budget of the task or of its project is used up; let the owner raise it.",
            observed=seen(task),
        )
    resume(board, task, "task.unblocked")
    return task_result(task)


def stop(board: Board, task: Task, kind: str, reason: str, *, keep_lease: bool, **new: Any) -> None:
    """The task is blocked. Its lease ends, unless it is to be kept; it stays its assignee's."""
    if keep_lease and task.key not in board.leases:
        raise Invalid("Nobody holds the task under a lease; leave out keep_lease.")
    parts = {} if keep_lease else {"lease": None}
    if not keep_lease:
        board.end_lease(task)
    change(board, task, kind, parts=parts, status=TaskStatus.BLOCKED, blocked_reason=reason, **new)
