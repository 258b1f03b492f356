"""Rules for the members of projects."""

from typing import Any

from jobs.board import Board
from jobs.entities import Member, Role
from jobs.errors import AlreadyExists
from jobs.payloads.project import AddMember, RemoveMember
from jobs.rules.find import active_project, active_worker, seen
from jobs.rules.permissions import is_member, require_owner


def add(board: Board, payload: AddMember) -> dict[str, Any]:
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
    board.record("project.member_added", project, parts={"member": member_part(member)})
    return {"project_id": project.id, "version": project.version}


def remove(board: Board, payload: RemoveMember) -> dict[str, Any]:
    raise NotImplementedError


def member_part(member: Member) -> dict[str, Any]:
    """What events say about a member."""
    return {"worker_id": member.worker_id, "role": member.role, "joined_at": member.joined_at}
