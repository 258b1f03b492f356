"""The rules that give a task to somebody, and that talk about it."""

from typing import Any

from jobs.board import Board
from jobs.entities import OPEN, Comment, TaskStatus, WorkerKind
from jobs.errors import AlreadyExists, NotAllowed
from jobs.payloads.task import AssignTask, CommentTask, UnassignTask
from jobs.rules.find import active_project, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_assignable, require_member, require_not_leased
from jobs.rules.release import give_back
from jobs.rules.transitions import require_status


def assign(board: Board, payload: AssignTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    project = active_project(board, task.project_id)
    require_member(board, project.id)
    worker = require_assignable(board, project, payload.worker_id)
    require_status(task, OPEN, "be assigned")
    require_not_leased(board, task)
    if task.status is TaskStatus.IN_PROGRESS and worker.kind is WorkerKind.AGENT:
        raise NotAllowed(
            "An agent takes a task by a claim only; release the task first.",
            observed=seen(task),
        )
    board.record("task.assigned", task, assignee_id=worker.id)
    return task_result(task)


def unassign(board: Board, payload: UnassignTask) -> dict[str, Any]:
    """Nobody's: who was at work on it, was."""
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_status(task, OPEN, "be unassigned")
    require_not_leased(board, task)
    give_back(board, task, "task.unassigned", assignee_id=None)
    return task_result(task)


def comment(board: Board, payload: CommentTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    if (task.tenant_id, payload.comment_id) in board.comments:
        raise AlreadyExists(f"Comment {payload.comment_id} exists; use a new id.")
    remark = Comment(
        tenant_id=task.tenant_id,
        id=payload.comment_id,
        task_id=task.id,
        author_id=board.cause().actor_id,
        body=payload.body,
        created_at=board.now,
    )
    board.add_comment(remark)
    part = {"id": remark.id, "author_id": remark.author_id, "body": remark.body}
    board.record("task.commented", task, parts={"comment": part})
    return task_result(task) | {"comment_id": remark.id}
