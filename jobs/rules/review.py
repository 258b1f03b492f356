"""The rules of review: approve and reject."""

from typing import Any

from jobs.board import Board
from jobs.entities import Task, TaskStatus, WorkerKind
from jobs.errors import NotAllowed
from jobs.payloads.lifecycle import ApproveTask, RejectTask
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_member
from jobs.rules.subtasks import require_no_open_subtasks
from jobs.rules.transitions import require_transition
from jobs.rules.work import finish

REVIEW = frozenset({TaskStatus.REVIEW})


def approve(board: Board, payload: ApproveTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_transition(task, TaskStatus.COMPLETED, only_from=REVIEW)
    if board.cause().actor_id in _own_workers(task):
        raise NotAllowed(
            "Nobody approves his own work; let another member review it.", observed=seen(task)
        )
    require_no_open_subtasks(board, task)
    finish(board, task, "task.approved")
    return task_result(task)


def reject(board: Board, payload: RejectTask) -> dict[str, Any]:
    """Back to its human at once; an agent's task waits to be claimed, by him preferably."""
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    to = TaskStatus.IN_PROGRESS if _is_a_humans(board, task) else TaskStatus.PENDING
    require_transition(task, to, only_from=REVIEW)
    board.record(
        "task.rejected",
        task,
        parts={"note": {"reason": payload.reason}},
        status=to,
        submitted_by_id=None,
    )
    return task_result(task)


def _own_workers(task: Task) -> set[Any]:
    return {task.assignee_id, task.submitted_by_id} - {None}


def _is_a_humans(board: Board, task: Task) -> bool:
    if task.assignee_id is None:
        return False
    assignee = board.workers[task.tenant_id, task.assignee_id]
    return assignee.kind is WorkerKind.HUMAN
