"""The rules by which a lease goes on or runs out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from jobs.board import Board
from jobs.entities import TaskStatus, Worker
from jobs.errors import Aborted, LeaseLost
from jobs.payloads.lifecycle import ExpireLease, RenewLease
from jobs.rules.find import known_task, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import acting_worker_or_system, former_assignee, require_holder
from jobs.rules.work import end_attempt

LAST_SEEN_PRECISION = timedelta(minutes=1)


def renew(board: Board, payload: RenewLease) -> dict[str, Any]:
    """Moves the lease's end; neither version nor event: renewals are ephemeral."""
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    lease = board.leases.get(task.key)
    if lease is None:
        raise LeaseLost("The task is not leased; claim it first.", observed=seen(task))
    expires_at = board.now + timedelta(seconds=payload.lease_seconds)
    board.put_lease(replace(lease, expires_at=expires_at, renewed_at=board.now))
    holder = acting_worker_or_system(board)
    if holder is not None:
        see(board, holder)
    return task_result(task) | {"token": lease.token, "expires_at": expires_at}


def expire(board: Board, payload: ExpireLease) -> dict[str, Any]:
    """The lease ran out: the task goes back, fails, or stays blocked."""
    task = known_task(board, payload.task_id)
    lease = board.leases.get(task.key)
    if lease is None or lease.token != payload.token or lease.expires_at > board.now:
        raise Aborted(
            "The lease has been renewed or has ended meanwhile; nothing is to be done.",
            observed=seen(task),
        )
    if task.status is TaskStatus.BLOCKED:
        board.end_lease(task)
        board.record(
            "task.lease_expired",
            task,
            parts={"lease": None},
            assignee_id=former_assignee(board, task, lease),
        )
    else:
        end_attempt(board, task, "task.lease_expired", {"reason": "lease expired"}, final=False)
    return task_result(task)


def see(board: Board, worker: Worker) -> None:
    """The worker has been heard of; noted once a minute, because each note is a write."""
    if worker.last_seen_at is None or board.now - worker.last_seen_at > LAST_SEEN_PRECISION:
        board.derive(worker, last_seen_at=board.now)
