"""Rules for workers."""

from typing import Any

from jobs.board import Board
from jobs.entities import Worker
from jobs.errors import AlreadyExists
from jobs.payloads.worker import DeactivateWorker, ReactivateWorker, RegisterWorker, UpdateWorker
from jobs.rules.find import require_free_id
from jobs.rules.permissions import acting_worker_or_system


def register(board: Board, payload: RegisterWorker) -> dict[str, Any]:
    cause = board.cause()
    acting_worker_or_system(board)
    require_free_id(board, payload.worker_id)
    if (cause.tenant_id, payload.handle) in board.handles:
        raise AlreadyExists(f"The handle {payload.handle} is taken; choose another.")
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
    board.claim_name(board.handles, (cause.tenant_id, payload.handle))
    board.create("worker.registered", worker)
    return {"worker_id": worker.id, "version": worker.version}


def update(board: Board, payload: UpdateWorker) -> dict[str, Any]:
    raise NotImplementedError


def deactivate(board: Board, payload: DeactivateWorker) -> dict[str, Any]:
    raise NotImplementedError


def reactivate(board: Board, payload: ReactivateWorker) -> dict[str, Any]:
    raise NotImplementedError
