"""The rules that give a task to somebody, and that talk about it."""

from typing import Any

from jobs.board import Board
from jobs.entities import OPEN, Comment, TaskStatus, WorkerKind
from jobs.errors import IllegalTransition, NotAllowed, NotAMember
from jobs.payloads.task import AssignTask, CommentTask
from jobs.rules.find import active_project, active_worker, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import is_member, require_member, require_not_leased


def assign(board: Board, payload: AssignTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    project = active_project(board, task.project_id)
    require_member(board, project.id)
    worker = active_worker(board, payload.worker_id)
    if not is_member(board, project.id, worker):
        raise NotAMember(f"{worker.handle} is not a member of {project.slug}; add it first.")
    if task.status not in OPEN:
        raise IllegalTransition(
            f"A {task.status} task cannot be assigned; only open ones can.",
            alternatives=sorted(OPEN),
            observed=seen(task),
        )
    require_not_leased(board, task)
    if task.status is TaskStatus.IN_PROGRESS and worker.kind is WorkerKind.AGENT:
        raise NotAllowed(
            "A task in progress goes to an agent by a claim only; release it first.",
            observed=seen(task),
        )
    board.record("task.assigned", task, assignee_id=worker.id)
    return task_result(task)


def comment(board: Board, payload: CommentTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
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
