"""Rules for projects and members."""

from typing import Any

from jobs.board import Board
from jobs.entities import Member, Project, Role
from jobs.errors import AlreadyExists, Invalid
from jobs.payloads.project import AddMember, CreateProject
from jobs.rules.find import active_project, active_worker, require_free_id, seen
from jobs.rules.permissions import acting_worker_or_system, is_member, require_owner


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
    board.create("project.created", project, member=_part(member))
    return {"project_id": project.id, "version": project.version}


def add_member(board: Board, payload: AddMember) -> dict[str, Any]:
    project = active_project(board, payload.project_id)
    require_owner(board, project)
    worker = active_worker(board, payload.worker_id)
    if is_member(board, project.id, worker):
        raise AlreadyExists(
            f"{worker.handle} is a member of {project.slug} already; nothing is to be done.",
            observed=seen(project),
        )
    member = Member(project.tenant_id, project.id, worker.id, Role(payload.role), board.now)
    board.add_member(member)
    board.record("project.member_added", project, parts={"member": _part(member)})
    return {"project_id": project.id, "version": project.version}


def _part(member: Member) -> dict[str, Any]:
    return {"worker_id": member.worker_id, "role": member.role, "joined_at": member.joined_at}
