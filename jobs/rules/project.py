"""Rules for projects and members."""

from typing import Any

from jobs.board import Board
from jobs.entities import Member, Project, Role
from jobs.errors import AlreadyExists, Invalid
from jobs.payloads.project import (
    ArchiveProject,
    CreateProject,
    DeleteProject,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.rules.find import active_worker, require_free_id
from jobs.rules.members import member_part
from jobs.rules.permissions import acting_worker_or_system


def create(board: Board, payload: CreateProject) -> dict[str, Any]:
    cause = board.cause()
    acting_worker_or_system(board)
    owner_id = payload.owner_id or cause.actor_id
    if owner_id is None:
        raise Invalid("A project needs an owner; name owner_id or actor_id.")
    owner = active_worker(board, owner_id)
    require_free_id(board, payload.project_id)
    if (cause.tenant_id, payload.slug) in board.slugs:
        raise AlreadyExists(f"A project with the slug {payload.slug} exists; choose another.")
    project = Project(
        tenant_id=cause.tenant_id,
        id=payload.project_id,
        slug=payload.slug,
        name=payload.name,
        description=payload.description,
        approval_policy=payload.approval_policy,
        attributes=payload.attributes,
        created_at=board.now,
        updated_at=board.now,
    )
    board.claim_name(board.slugs, (cause.tenant_id, payload.slug))
    member = Member(cause.tenant_id, project.id, owner.id, Role.OWNER, board.now)
    board.add_member(member)
    board.create("project.created", project, member=member_part(member))
    return {"project_id": project.id, "version": project.version}


def update(board: Board, payload: UpdateProject) -> dict[str, Any]:
    raise NotImplementedError


def archive(board: Board, payload: ArchiveProject) -> dict[str, Any]:
    raise NotImplementedError


def unarchive(board: Board, payload: UnarchiveProject) -> dict[str, Any]:
    raise NotImplementedError


def delete(board: Board, payload: DeleteProject) -> dict[str, Any]:
    raise NotImplementedError


def restore(board: Board, payload: RestoreProject) -> dict[str, Any]:
    raise NotImplementedError
