"""The rules by which a worker gets tasks under leases: this one, or the best that are ready."""

from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Lease, Task, TaskStatus, Worker
from jobs.errors import LimitExceeded
from jobs.payloads.lifecycle import ClaimTask, DispatchTasks
from jobs.rules.find import active_project, live_task, seen
from jobs.rules.lease import see
from jobs.rules.outcome import leased_task
from jobs.rules.permissions import acting_worker, is_member, require_member, require_not_leased
from jobs.rules.ready import is_ready, require_ready
from jobs.rules.transitions import require_status

Rank = tuple[int, bool, datetime, datetime, UUID]


def claim(board: Board, payload: ClaimTask) -> dict[str, Any]:
    worker = acting_worker(board)
    task = live_task(board, payload.task_id)
    active_project(board, task.project_id)
    require_member(board, task.project_id)
    require_not_leased(board, task)
    require_status(task, {TaskStatus.PENDING}, "be claimed")
    require_ready(board, task, worker)
    _require_room(board, task, worker)
    see(board, worker)
    return {"tasks": [_granted(board, task, worker, payload.lease_seconds)]}


def dispatch(board: Board, payload: DispatchTasks) -> dict[str, Any]:
    """The best ready tasks for the actor, as many as asked for and as there is room; maybe none."""
    worker = acting_worker(board)
    room = _room(board, worker)
    wanted = payload.limit if room is None else min(payload.limit, room)
    best = nsmallest(wanted, _ready(board, worker), key=_rank)
    see(board, worker)
    return {"tasks": [_granted(board, task, worker, payload.lease_seconds) for task in best]}


def _ready(board: Board, worker: Worker) -> list[Task]:
    """Candidates that the database found, and tasks that the batch itself made ready."""
    found = {key: board.tasks[key] for key in board.candidates.get(worker.key, ())}
    known = {key: task for key, task in board.tasks.items() if _is_his(board, task, worker)}
    return [task for task in (found | known).values() if is_ready(board, task, worker)]


def _is_his(board: Board, task: Task, worker: Worker) -> bool:
    return task.tenant_id == worker.tenant_id and is_member(board, task.project_id, worker)


def _rank(task: Task) -> Rank:
    due = task.due_at
    return (-task.priority, due is None, due or task.created_at, task.created_at, task.id)


def _require_room(board: Board, task: Task, worker: Worker) -> None:
    room = _room(board, worker)
    if room is not None and room < 1:
        raise LimitExceeded(
            f"{worker.handle} may hold {worker.max_concurrent_tasks} tasks at a time and does; "
            "finish or release one first.",
            observed=seen(task),
        )


def _room(board: Board, worker: Worker) -> int | None:
    """How many more tasks the worker may hold; None is no limit."""
    if worker.max_concurrent_tasks is None:
        return None
    return max(0, worker.max_concurrent_tasks - board.held.get(worker.key, 0))


def _granted(board: Board, task: Task, worker: Worker, lease_seconds: int) -> dict[str, Any]:
    """The task is the worker's under a new lease; this is what the worker is told."""
    lease = Lease(
        tenant_id=task.tenant_id,
        task_id=task.id,
        holder_id=worker.id,
        token=task.last_token + 1,
        expires_at=board.now + timedelta(seconds=lease_seconds),
        renewed_at=board.now,
        previous_assignee_id=task.assignee_id,
    )
    board.put_lease(lease)
    board.record(
        "task.claimed",
        task,
        parts={"lease": _part(lease)},
        status=TaskStatus.IN_PROGRESS,
        assignee_id=worker.id,
        last_token=lease.token,
        started_at=task.started_at or board.now,
    )
    return leased_task(task, lease)


def _part(lease: Lease) -> dict[str, Any]:
    return {
        "holder_id": lease.holder_id,
        "token": lease.token,
        "expires_at": lease.expires_at,
        "previous_assignee_id": lease.previous_assignee_id,
    }
