"""Rules for the members of projects."""

from typing import Any

from jobs.board import Board
from jobs.entities import Key, Member, Role
from jobs.errors import AlreadyExists, NotAllowed, NotFound
from jobs.payloads.project import AddMember, RemoveMember
from jobs.refs import Scope
from jobs.rules.find import active_project, active_worker, live_project, seen
from jobs.rules.permissions import is_member, require_owner
from jobs.rules.release import take_from

LEFT = "its worker has left the project"


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
    """His open tasks of the project are nobody's, his leases in it end."""
    project = live_project(board, payload.project_id)
    require_owner(board, project)
    member = board.members.get((project.tenant_id, project.id, payload.worker_id))
    if member is None:
        raise NotFound(
            f"Worker {payload.worker_id} is not a member of {project.slug}; nothing is to be done.",
            observed=seen(project),
        )
    if member.role is Role.OWNER:
        raise NotAllowed(
            "The owner of a project stays its member; archive the project instead.",
            observed=seen(project),
        )
    board.remove_member(member)
    gone = member_part(member) | {"role": None}
    board.record("project.member_removed", project, parts={"member": gone})
    taken = take_all_from(board, (project.tenant_id, project.id, member.worker_id), LEFT)
    return {"project_id": project.id, "version": project.version, "unassigned": taken}


def take_all_from(board: Board, scope: Scope, reason: str) -> int:
    """What is open and the worker's is nobody's, and nothing is leased to him; how many tasks."""
    tasks = [board.kin(key) for key in sorted(board.tasks_of[scope] | _given(board, scope))]
    before = [task.version for task in tasks]
    for task in tasks:
        take_from(board, task, scope[2], reason)
    return sum(task.version > version for task, version in zip(tasks, before, strict=True))


def _given(board: Board, scope: Scope) -> set[Key]:
    """What earlier jobs of the batch may have given him: it was not his when the batch was read."""
    tenant_id, project_id, worker_id = scope
    return {
        key
        for key, task in board.tasks.items()
        if key[0] == tenant_id
        and project_id in {None, task.project_id}
        and task.assignee_id == worker_id
    }


def member_part(member: Member) -> dict[str, Any]:
    """What events say about a member."""
    return {"worker_id": member.worker_id, "role": member.role, "joined_at": member.joined_at}
