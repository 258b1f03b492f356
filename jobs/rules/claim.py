"""The rules by which a worker gets a task under a lease, keeps it, and loses it."""

from datetime import timedelta
from typing import Any

from jobs.board import Board
from jobs.entities import Lease, ProjectStatus, Task, TaskStatus, Worker
from jobs.errors import (
    Aborted,
    DependenciesUnmet,
    JobRejected,
    LeaseLost,
    LimitExceeded,
    NotAllowed,
    NotAMember,
)
from jobs.payloads.lifecycle import ClaimTask, DispatchTasks, ExpireLease, RenewLease
from jobs.rules.find import active_project, live_task, seen
from jobs.rules.outcome import leased_task, task_result
from jobs.rules.permissions import acting_worker, is_member, require_holder, require_not_leased
from jobs.rules.transitions import require_transition
from jobs.rules.work import end_attempt

LAST_SEEN_PRECISION = timedelta(minutes=1)


def claim(board: Board, payload: ClaimTask) -> dict[str, Any]:
    worker = acting_worker(board)
    task = live_task(board, payload.task_id)
    active_project(board, task.project_id)
    if not is_member(board, task.project_id, worker):
        raise NotAMember(f"{worker.handle} is not a member of the project; its owner can add it.")
    require_not_leased(board, task)
    require_transition(task, TaskStatus.IN_PROGRESS, only_from=frozenset({TaskStatus.PENDING}))
    _require_ready(board, task, worker)
    _require_room(board, worker)
    lease = _grant(board, task, worker, timedelta(seconds=payload.lease_seconds))
    return {"tasks": [leased_task(task, lease)]}


def dispatch(board: Board, payload: DispatchTasks) -> dict[str, Any]:
    """The best ready tasks for the actor, as many as asked for and as there is room; maybe none."""
    worker = acting_worker(board)
    room = _room(board, worker)
    wanted = payload.limit if room is None else min(payload.limit, room)
    ready = sorted(_dispatchable(board, worker), key=_rank)
    lasting = timedelta(seconds=payload.lease_seconds)
    granted = [(task, _grant(board, task, worker, lasting)) for task in ready[: max(wanted, 0)]]
    return {"tasks": [leased_task(task, lease) for task, lease in granted]}


def renew(board: Board, payload: RenewLease) -> dict[str, Any]:
    """Moves the lease's end; neither version nor event: renewals are ephemeral."""
    task = live_task(board, payload.task_id)
    if payload.token is None:
        raise LeaseLost("Name the token that the claim returned.", observed=seen(task))
    require_holder(board, task, payload.token)
    lease = board.leases[task.key]
    renewed = Lease(
        tenant_id=lease.tenant_id,
        task_id=lease.task_id,
        holder_id=lease.holder_id,
        token=lease.token,
        expires_at=board.now + timedelta(seconds=payload.lease_seconds),
        renewed_at=board.now,
        previous_assignee_id=lease.previous_assignee_id,
    )
    board.put_lease(renewed)
    return task_result(task) | {"token": lease.token, "expires_at": renewed.expires_at}


def expire(board: Board, payload: ExpireLease) -> dict[str, Any]:
    """The lease ran out: the task goes back, fails, or stays blocked."""
    task = live_task(board, payload.task_id)
    lease = board.leases.get(task.key)
    if lease is None or lease.token != payload.token or lease.expires_at > board.now:
        raise Aborted("The lease has been renewed or has ended meanwhile.", observed=seen(task))
    if task.status is TaskStatus.BLOCKED:
        board.end_lease(task)
        board.record(
            "task.lease_expired",
            task,
            parts={"lease": None},
            assignee_id=lease.previous_assignee_id,
        )
    else:
        end_attempt(board, task, "task.lease_expired", {"reason": "lease expired"}, final=False)
    return task_result(task)


def _dispatchable(board: Board, worker: Worker) -> list[Task]:
    """Candidates that the database found, and tasks that this batch itself made ready."""
    found = {key: board.tasks[key] for key in board.candidates.get(worker.key, [])}
    here = {
        task.key: task
        for task in board.tasks.values()
        if task.tenant_id == worker.tenant_id and is_member(board, task.project_id, worker)
    }
    return [task for task in (found | here).values() if _is_ready(board, task, worker)]


def _is_ready(board: Board, task: Task, worker: Worker) -> bool:
    project = board.projects.get((task.tenant_id, task.project_id))
    if task.status is not TaskStatus.PENDING or task.deleted_at is not None:
        return False
    if project is not None and project.status is not ProjectStatus.ACTIVE:
        return False
    try:
        _require_ready(board, task, worker)
    except JobRejected:
        return False
    return True


def _require_ready(board: Board, task: Task, worker: Worker) -> None:
    if task.run_after is not None and task.run_after > board.now:
        raise NotAllowed(
            f"The task is not to be started before {task.run_after.isoformat()}.",
            observed=seen(task),
        )
    if task.unmet_dependencies:
        raise DependenciesUnmet(
            f"{task.unmet_dependencies} tasks that it depends on are not completed yet.",
            observed=seen(task),
        )
    if task.assignee_id not in {None, worker.id}:
        raise NotAllowed(
            "The task is assigned to another worker; let it be reassigned.", observed=seen(task)
        )
    missing = set(task.required_capabilities) - set(worker.capabilities)
    if missing:
        raise NotAllowed(
            f"{worker.handle} lacks what the task requires: {', '.join(sorted(missing))}.",
            observed=seen(task),
        )


def _require_room(board: Board, worker: Worker) -> None:
    room = _room(board, worker)
    if room is not None and room < 1:
        raise LimitExceeded(
            f"{worker.handle} holds {worker.max_concurrent_tasks} tasks, its maximum; finish one."
        )


def _room(board: Board, worker: Worker) -> int | None:
    if worker.max_concurrent_tasks is None:
        return None
    return worker.max_concurrent_tasks - board.held.get(worker.key, 0)


def _grant(board: Board, task: Task, worker: Worker, lasting: timedelta) -> Lease:
    lease = Lease(
        tenant_id=task.tenant_id,
        task_id=task.id,
        holder_id=worker.id,
        token=task.last_token + 1,
        expires_at=board.now + lasting,
        renewed_at=board.now,
        previous_assignee_id=task.assignee_id,
    )
    board.put_lease(lease)
    part = {
        "holder_id": lease.holder_id,
        "token": lease.token,
        "expires_at": lease.expires_at,
        "previous_assignee_id": lease.previous_assignee_id,
    }
    board.record(
        "task.claimed",
        task,
        parts={"lease": part},
        status=TaskStatus.IN_PROGRESS,
        assignee_id=worker.id,
        last_token=lease.token,
        started_at=task.started_at or board.now,
    )
    if worker.last_seen_at is None or board.now - worker.last_seen_at > LAST_SEEN_PRECISION:
        board.derive(worker, last_seen_at=board.now)
    return lease


def _rank(task: Task) -> tuple[Any, ...]:
    due = task.due_at
    return (-task.priority, due is None, due or task.created_at, task.created_at, task.id)
