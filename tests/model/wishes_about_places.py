"""Jobs about projects and workers, at random."""

from typing import Any
from uuid import UUID

from jobs.entities import ApprovalPolicy, WorkerKind
from jobs.payloads.project import (
    AddMember,
    ArchiveProject,
    ArchiveTasks,
    CompleteTasks,
    CreateProject,
    DeleteProject,
    RemoveMember,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.payloads.worker import (
    DeactivateWorker,
    ReactivateWorker,
    RegisterWorker,
    UpdateWorker,
)
from tests.model.act import Request
from tests.model.picking import NothingFits, Picker
from tests.model.wishes_of_form import limits

SLUGS = ["spring", "summer", "autumn"]


def create_project(pick: Picker) -> Request:
    payload = CreateProject(
        project_id=pick.project_id() if pick.slips() else pick.new_id(),
        slug=pick.one(SLUGS),
        name="Relaunch",
        approval_policy=pick.one(list(ApprovalPolicy)),
        budget=pick.maybe(30, limits(pick)),
        owner_id=pick.maybe(30, pick.person()),
    )
    return (None if pick.slips() else pick.person()), payload


def update_project(pick: Picker) -> Request:
    project_id = pick.project_id()
    changes: dict[str, Any] = {
        "slug": pick.one(SLUGS),
        "name": pick.one(["Relaunch", "Rebranding"]),
        "approval_policy": pick.one(list(ApprovalPolicy)),
        "budget": pick.maybe(60, limits(pick)),
    }
    given = {name: changes[name] for name in pick.random.sample(sorted(changes), 1)}
    if pick.chance(30):
        version = pick.state.projects[project_id].version
        given["expected_version"] = max(1, version - (1 if pick.chance(30) else 0))
    is_bosss = given.keys() != {"name"}
    actor = pick.boss(project_id) if is_bosss else pick.member(project_id)
    return actor, UpdateProject(project_id=project_id, **given)


def archive(pick: Picker) -> Request:
    project_id = pick.project_id(is_archived=False)
    return pick.boss(project_id), ArchiveProject(project_id=project_id)


def unarchive(pick: Picker) -> Request:
    project_id = pick.project_id(is_archived=True)
    return pick.boss(project_id), UnarchiveProject(project_id=project_id)


def delete_project(pick: Picker) -> Request:
    project_id = pick.project_id()
    return pick.boss(project_id), DeleteProject(project_id=project_id)


def restore_project(pick: Picker) -> Request:
    project_id = pick.project_id(is_deleted=True)
    return pick.boss(project_id), RestoreProject(project_id=project_id)


def add_member(pick: Picker) -> Request:
    project_id = pick.project_id(is_archived=False)
    project = pick.state.projects[project_id]
    new = [worker for worker in pick.state.workers if worker not in project.members]
    worker_id = pick.one(new) if new and not pick.slips() else pick.anybody()
    return pick.boss(project_id), AddMember(project_id=project_id, worker_id=worker_id)


def remove_member(pick: Picker) -> Request:
    project_id = pick.project_id()
    leaving = pick.one(sorted(pick.state.projects[project_id].members))
    payload = RemoveMember(
        project_id=project_id, worker_id=pick.anybody() if pick.slips() else leaving
    )
    return pick.boss(project_id), payload


def complete_tasks(pick: Picker) -> Request:
    project_id, limit = pick.project_id(), pick.one([1, 2, 1000])
    return pick.member(project_id), CompleteTasks(project_id=project_id, limit=limit)


def archive_tasks(pick: Picker) -> Request:
    project_id, limit = pick.project_id(), pick.one([1, 2, 1000])
    payload = ArchiveTasks(project_id=project_id, limit=limit, include_open=pick.chance(20))
    return pick.boss(project_id), payload


def register(pick: Picker) -> Request:
    """Whoever is new is a member of nothing yet."""
    kind = pick.one(list(WorkerKind))
    payload = RegisterWorker(
        worker_id=pick.anybody() if pick.slips() else pick.new_id(),
        handle=f"@{pick.one(['ada', 'ben', 'cleo'])}-{pick.random.randrange(5)}",
        name="Somebody",
        kind=kind,
        agent_type="writer" if kind is WorkerKind.AGENT else None,
        capabilities=pick.maybe(50, ["french"]) or [],
        max_concurrent_tasks=pick.maybe(50, 1),
    )
    return pick.maybe(90, pick.person()), payload


def update_worker(pick: Picker) -> Request:
    worker_id = pick.anybody()
    changes: dict[str, Any] = {
        "handle": f"@{pick.one(['ada', 'ben', 'cleo'])}-{pick.random.randrange(5)}",
        "name": pick.one(["Somebody", "Somebody else"]),
        "capabilities": pick.maybe(50, ["french"]) or [],
        "max_concurrent_tasks": pick.one([None, 1, 2]),
    }
    given = {name: changes[name] for name in pick.random.sample(sorted(changes), 1)}
    if pick.chance(30):
        version = pick.state.workers[worker_id].version
        given["expected_version"] = max(1, version - (1 if pick.chance(30) else 0))
    return _by_human_or(pick, worker_id), UpdateWorker(worker_id=worker_id, **given)


def deactivate(pick: Picker) -> Request:
    worker_id = pick.person()
    return _by_human_or(pick, worker_id), DeactivateWorker(worker_id=worker_id)


def reactivate(pick: Picker) -> Request:
    gone = [worker.id for worker in pick.state.workers.values() if not worker.is_active]
    if not gone and not pick.slips():
        raise NothingFits
    worker_id = pick.one(gone) if gone and not pick.slips() else pick.anybody()
    return pick.person(is_human=True), ReactivateWorker(worker_id=worker_id)


def _by_human_or(pick: Picker, worker_id: UUID) -> UUID | None:
    if pick.slips():
        return pick.maybe(50, pick.anybody())
    return worker_id if pick.chance(30) else pick.person(is_human=True)
