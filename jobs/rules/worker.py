"""Rules for workers."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Worker, WorkerKind
from jobs.errors import AlreadyExists, Invalid, NotAllowed
from jobs.payloads.base import changed_fields
from jobs.payloads.worker import DeactivateWorker, ReactivateWorker, RegisterWorker, UpdateWorker
from jobs.rules.find import active_worker, known_worker, require_free_id, require_version, seen
from jobs.rules.members import take_all_from
from jobs.rules.permissions import acting_worker_or_system

DEACTIVATED = "its worker has been deactivated"


def register(board: Board, payload: RegisterWorker) -> dict[str, Any]:
    cause = board.cause()
    acting_worker_or_system(board)
    require_free_id(board, payload.worker_id)
    _claim_handle(board, cause.tenant_id, payload.handle)
    worker = Worker(
        tenant_id=cause.tenant_id,
        id=payload.worker_id,
        handle=payload.handle,
        name=payload.name,
        kind=payload.kind,
        email=payload.email,
        agent_type=payload.agent_type,
        capabilities=payload.capabilities,
        max_concurrent_tasks=payload.max_concurrent_tasks,
        created_at=board.now,
        updated_at=board.now,
    )
    board.create("worker.registered", worker)
    return _result(worker)


def update(board: Board, payload: UpdateWorker) -> dict[str, Any]:
    """Records what differs; if nothing does, nothing happens."""
    worker = known_worker(board, payload.worker_id)
    _require_may_change(board, worker)
    require_version(worker, payload.expected_version)
    _require_fits_kind(worker, payload)
    new = changed_fields(payload)
    differing = {name: value for name, value in new.items() if value != getattr(worker, name)}
    if "handle" in differing:
        board.free_name(board.handles, (worker.tenant_id, worker.handle))
        _claim_handle(board, worker.tenant_id, differing["handle"])
    if differing:
        board.record("worker.updated", worker, **differing)
    return _result(worker) | {"changed": sorted(differing)}


def deactivate(board: Board, payload: DeactivateWorker) -> dict[str, Any]:
    """The worker holds nothing and is given nothing; what it did stays."""
    worker = active_worker(board, payload.worker_id)
    _require_may_change(board, worker)
    board.record("worker.deactivated", worker, deactivated_at=board.now)
    taken = take_all_from(board, (worker.tenant_id, None, worker.id), DEACTIVATED)
    return _result(worker) | {"unassigned": taken}


def reactivate(board: Board, payload: ReactivateWorker) -> dict[str, Any]:
    worker = known_worker(board, payload.worker_id)
    _require_may_change(board, worker)
    if worker.deactivated_at is None:
        raise NotAllowed("The worker is active; nothing is to be done.", observed=seen(worker))
    board.record("worker.reactivated", worker, deactivated_at=None)
    return _result(worker)


def _require_may_change(board: Board, worker: Worker) -> None:
    """The actor is the worker itself, a human, or the system."""
    actor = acting_worker_or_system(board)
    if actor is not None and actor.id != worker.id and actor.kind is WorkerKind.AGENT:
        raise NotAllowed("Agents change nobody but themselves; ask a human.", observed=seen(worker))


def _require_fits_kind(worker: Worker, payload: UpdateWorker) -> None:
    if worker.kind is WorkerKind.AGENT and payload.email is not None:
        raise Invalid("Only humans have an email address; leave it out.", observed=seen(worker))
    if worker.kind is WorkerKind.HUMAN and payload.agent_type is not None:
        raise Invalid("Only agents have an agent_type; leave it out.", observed=seen(worker))


def _claim_handle(board: Board, tenant_id: UUID, handle: str) -> None:
    if (tenant_id, handle) in board.handles:
        raise AlreadyExists(f"The handle {handle} is taken; choose another.")
    board.claim_name(board.handles, (tenant_id, handle))


def _result(worker: Worker) -> dict[str, Any]:
    return {"worker_id": worker.id, "version": worker.version}
