"""The rules of review: approve and reject."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Task, TaskStatus, WorkerKind
from jobs.errors import NotAllowed
from jobs.payloads.lifecycle import ApproveTask, RejectTask
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_member
from jobs.rules.subtasks import settle_subtasks
from jobs.rules.transitions import require_status
from jobs.rules.work import finish

REVIEW = frozenset({TaskStatus.REVIEW})


def approve(board: Board, payload: ApproveTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_status(task, REVIEW, "be approved")
    if board.cause().actor_id in _own_workers(task):
        raise NotAllowed(
            "Nobody approves his own work; let another member review it.", observed=seen(task)
        )
    settle_subtasks(board, task, cascade=payload.cascade)
    finish(board, task, "task.approved")
    return task_result(task)


def reject(board: Board, payload: RejectTask) -> dict[str, Any]:
    """Back to work: with its human at once; an agent has to claim it again."""
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_status(task, REVIEW, "be rejected")
    to = TaskStatus.IN_PROGRESS if _is_a_humans(board, task) else TaskStatus.PENDING
    board.record(
        "task.rejected",
        task,
        parts={"note": {"reason": payload.reason}},
        status=to,
        submitted_by_id=None,
    )
    return task_result(task)


def _own_workers(task: Task) -> set[UUID | None]:
    return {task.assignee_id, task.submitted_by_id} - {None}


def _is_a_humans(board: Board, task: Task) -> bool:
    if task.assignee_id is None:
        return False
    return board.workers[task.tenant_id, task.assignee_id].kind is WorkerKind.HUMAN
