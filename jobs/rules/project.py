"""Rules for projects and members."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Member, Project, ProjectStatus, Role
from jobs.errors import AlreadyExists, IllegalTransition, Invalid, NotAllowed
from jobs.payloads.base import changed_fields
from jobs.payloads.project import (
    ArchiveProject,
    CreateProject,
    DeleteProject,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.rules.find import (
    active_worker,
    known_project,
    live_project,
    require_free_id,
    require_version,
    seen,
)
from jobs.rules.members import member_part
from jobs.rules.permissions import acting_worker_or_system, require_member, require_owner

OWNERS_FIELDS = frozenset({"slug", "approval_policy", "budget"})
STATUS_EVENTS = {
    ProjectStatus.ACTIVE: "project.unarchived",
    ProjectStatus.ARCHIVED: "project.archived",
}


def create(board: Board, payload: CreateProject) -> dict[str, Any]:
    cause = board.cause()
    acting_worker_or_system(board)
    owner_id = payload.owner_id or cause.actor_id
    if owner_id is None:
        raise Invalid("A project needs an owner; name owner_id or actor_id.")
    owner = active_worker(board, owner_id)
    require_free_id(board, payload.project_id)
    _claim_slug(board, cause.tenant_id, payload.slug)
    project = Project(
        tenant_id=cause.tenant_id,
        id=payload.project_id,
        slug=payload.slug,
        name=payload.name,
        description=payload.description,
        approval_policy=payload.approval_policy,
        budget=None if payload.budget is None else payload.budget.stored(),
        attributes=payload.attributes,
        created_at=board.now,
        updated_at=board.now,
    )
    member = Member(cause.tenant_id, project.id, owner.id, Role.OWNER, board.now)
    board.add_member(member)
    board.create("project.created", project, member=member_part(member))
    return {"project_id": project.id, "version": project.version}


def update(board: Board, payload: UpdateProject) -> dict[str, Any]:
    """Records what differs; if nothing does, nothing happens."""
    project = live_project(board, payload.project_id)
    require_member(board, project.id)
    if payload.model_fields_set & OWNERS_FIELDS:
        require_owner(board, project)
    require_version(project, payload.expected_version)
    new = changed_fields(payload)
    if payload.budget is not None:
        new["budget"] = payload.budget.stored()
    differing = {name: value for name, value in new.items() if value != getattr(project, name)}
    if "slug" in differing:
        board.free_name(board.slugs, (project.tenant_id, project.slug))
        _claim_slug(board, project.tenant_id, differing["slug"])
    if differing:
        board.record("project.updated", project, **differing)
    return _result(project) | {"changed": sorted(differing)}


def archive(board: Board, payload: ArchiveProject) -> dict[str, Any]:
    return _become(board, payload.project_id, ProjectStatus.ARCHIVED)


def unarchive(board: Board, payload: UnarchiveProject) -> dict[str, Any]:
    return _become(board, payload.project_id, ProjectStatus.ACTIVE)


def delete(board: Board, payload: DeleteProject) -> dict[str, Any]:
    project = live_project(board, payload.project_id)
    require_owner(board, project)
    leased = board.leased[project.key]
    if leased:
        raise NotAllowed(
            f"{leased} tasks of the project are leased; archive it, and wait or release them.",
            observed=seen(project),
        )
    board.free_name(board.slugs, (project.tenant_id, project.slug))
    board.record("project.deleted", project, deleted_at=board.now)
    return _result(project)


def restore(board: Board, payload: RestoreProject) -> dict[str, Any]:
    project = known_project(board, payload.project_id)
    require_owner(board, project)
    if project.deleted_at is None:
        raise NotAllowed(
            "The project is not deleted; nothing is to be done.", observed=seen(project)
        )
    _claim_slug(board, project.tenant_id, project.slug)
    board.record("project.restored", project, deleted_at=None)
    return _result(project)


def _become(board: Board, project_id: UUID, status: ProjectStatus) -> dict[str, Any]:
    project = live_project(board, project_id)
    require_owner(board, project)
    if project.status is status:
        raise IllegalTransition(
            f"The project is {status} already; nothing is to be done.",
            alternatives=[other for other in ProjectStatus if other is not status],
            observed=seen(project),
        )
    board.record(STATUS_EVENTS[status], project, status=status)
    return _result(project)


def _claim_slug(board: Board, tenant_id: UUID, slug: str) -> None:
    if (tenant_id, slug) in board.slugs:
        raise AlreadyExists(f"A project with the slug {slug} exists; choose another.")
    board.claim_name(board.slugs, (tenant_id, slug))


def _result(project: Project) -> dict[str, Any]:
    return {"project_id": project.id, "status": project.status, "version": project.version}
