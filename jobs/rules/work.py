"""The rules of working on a task: start, progress, submit, complete, fail."""

from typing import Any

from jobs.board import Board
from jobs.entities import Task, TaskStatus, WorkerKind
from jobs.errors import ApprovalRequired, NotAllowed
from jobs.payloads.lifecycle import CompleteTask, FailTask, ReportProgress, StartTask, SubmitTask
from jobs.rules.budget import stop_if_exceeded
from jobs.rules.find import active_project, live_project, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import (
    acting_worker,
    former_assignee,
    require_holder,
    require_member,
    require_not_leased,
)
from jobs.rules.ready import require_dependencies_met, require_ready
from jobs.rules.recur import spawn_successor
from jobs.rules.subtasks import settle_subtasks
from jobs.rules.transitions import needs_approval, next_states, require_status
from jobs.rules.usage import ATTEMPT, Amounts, amounts_of, spend

PENDING = frozenset({TaskStatus.PENDING})
IN_PROGRESS = frozenset({TaskStatus.IN_PROGRESS})


def start(board: Board, payload: StartTask) -> dict[str, Any]:
    worker = acting_worker(board)
    task = live_task(board, payload.task_id)
    active_project(board, task.project_id)
    require_member(board, task.project_id)
    require_not_leased(board, task)
    require_status(task, PENDING, "be started")
    if worker.kind is WorkerKind.AGENT:
        raise NotAllowed("Agents work under a lease; claim the task instead.", observed=seen(task))
    require_ready(board, task, worker)
    board.record(
        "task.started",
        task,
        status=TaskStatus.IN_PROGRESS,
        assignee_id=worker.id,
        started_at=task.started_at or board.now,
    )
    return task_result(task)


def progress(board: Board, payload: ReportProgress) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, IN_PROGRESS, "report progress")
    spend(board, task, "task.progressed", amounts_of(payload.usage), progress=payload.percent)
    if payload.usage is not None:
        stop_if_exceeded(board, task)
    return task_result(task) | {"progress": task.progress}


def submit(board: Board, payload: SubmitTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, IN_PROGRESS, "be submitted")
    board.end_lease(task)
    spend(
        board,
        task,
        "task.submitted",
        amounts_of(payload.usage),
        parts={"lease": None},
        status=TaskStatus.REVIEW,
        result=payload.result,
        submitted_by_id=board.cause().actor_id,
    )
    return task_result(task)


def complete(board: Board, payload: CompleteTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, IN_PROGRESS | PENDING, "be completed this way")
    _require_no_review(board, task)
    if task.status is TaskStatus.PENDING:
        require_dependencies_met(task)
    settle_subtasks(board, task, cascade=payload.cascade)
    finish(board, task, "task.completed", amounts_of(payload.usage), result=payload.result)
    return task_result(task)


def fail(board: Board, payload: FailTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, IN_PROGRESS, "fail")
    failure = {"reason": payload.reason, "details": payload.details, "permanent": payload.permanent}
    amounts = ATTEMPT | amounts_of(payload.usage)
    end_attempt(board, task, "task.failed", failure, amounts, final=payload.permanent)
    return task_result(task) | {"attempt": task.attempt, "max_attempts": task.max_attempts}


def _require_no_review(board: Board, task: Task) -> None:
    if needs_approval(live_project(board, task.project_id), task):
        raise ApprovalRequired(
            "The project asks for a review; submit the task from in_progress, "
            "and let another member approve it.",
            alternatives=[to for to in next_states(task) if to is not TaskStatus.COMPLETED],
            observed=seen(task),
        )


def finish(board: Board, task: Task, kind: str, amounts: Amounts | None = None, **new: Any) -> None:
    """The task is completed: no lease, progress 100, counted; if it recurs, it is followed."""
    lease = board.end_lease(task)
    spend(
        board,
        task,
        kind,
        amounts or {},
        parts={"lease": None},
        status=TaskStatus.COMPLETED,
        progress=100,
        completed_at=board.now,
        **new,
    )
    spawn_successor(board, task, lease)


def end_attempt(
    board: Board,
    task: Task,
    kind: str,
    failure: dict[str, Any],
    amounts: Amounts = ATTEMPT,
    *,
    final: bool,
) -> None:
    """One try ended badly: back to the former assignee, as pending or failed for good.

    `amounts`: the attempt itself, and what it used.
    """
    lease = board.end_lease(task)
    attempt = task.attempt + 1
    failed = final or attempt >= task.max_attempts
    spend(
        board,
        task,
        kind,
        amounts,
        parts={"lease": None},
        status=TaskStatus.FAILED if failed else TaskStatus.PENDING,
        assignee_id=task.assignee_id if lease is None else former_assignee(board, task, lease),
        attempt=attempt,
        failure=failure,
    )
