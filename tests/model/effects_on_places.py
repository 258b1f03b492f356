"""What is true after a job about projects and workers was applied."""

from uuid import UUID

from tests.model.act import Act, becomes, give_back, note
from tests.model.budgets import stored
from tests.model.state import OPEN, ProjectFacts, WorkerFacts


def create_project(act: Act) -> None:
    owner = act.job.owner_id or act.actor
    assert owner is not None
    act.state.projects[act.job.project_id] = ProjectFacts(
        id=act.job.project_id,
        slug=act.job.slug,
        policy=str(act.job.approval_policy),
        budget=stored(act.job.budget),
        owner=owner,
        members={owner},
        name=act.job.name,
    )


def update_project(act: Act) -> None:
    project, given = act.project, act.job.model_fields_set
    before = (project.slug, project.name, project.policy, project.budget)
    project.slug = act.job.slug or project.slug
    project.name = act.job.name or project.name
    project.policy = str(act.job.approval_policy or project.policy)
    if "budget" in given:
        project.budget = stored(act.job.budget)
    if before != (project.slug, project.name, project.policy, project.budget):
        note(project)


def archive(act: Act) -> None:
    act.project.is_archived = True
    note(act.project)


def unarchive(act: Act) -> None:
    act.project.is_archived = False
    note(act.project)


def delete_project(act: Act) -> None:
    act.project.is_deleted = True
    note(act.project)


def restore_project(act: Act) -> None:
    act.project.is_deleted = False
    note(act.project)


def add_member(act: Act) -> None:
    act.project.members.add(act.job.worker_id)
    note(act.project)


def remove_member(act: Act) -> None:
    act.project.members.discard(act.job.worker_id)
    note(act.project)
    leave(act, act.job.worker_id, {act.job.project_id})


def register(act: Act) -> None:
    act.state.workers[act.job.worker_id] = WorkerFacts(
        id=act.job.worker_id,
        is_human=act.job.kind == "human",
        handle=act.job.handle,
        abilities=set(act.job.capabilities),
        room=act.job.max_concurrent_tasks,
        name=act.job.name,
    )


def update_worker(act: Act) -> None:
    worker, given = act.state.workers[act.job.worker_id], act.job.model_fields_set
    before = (worker.handle, worker.name, set(worker.abilities), worker.room)
    worker.handle = act.job.handle or worker.handle
    worker.name = act.job.name or worker.name
    if "capabilities" in given:
        worker.abilities = set(act.job.capabilities)
    if "max_concurrent_tasks" in given:
        worker.room = act.job.max_concurrent_tasks
    if before != (worker.handle, worker.name, set(worker.abilities), worker.room):
        note(worker)


def deactivate(act: Act) -> None:
    worker = act.state.workers[act.job.worker_id]
    worker.is_active = False
    note(worker)
    leave(act, worker.id, set(act.state.projects))


def reactivate(act: Act) -> None:
    worker = act.state.workers[act.job.worker_id]
    worker.is_active = True
    note(worker)


def leave(act: Act, worker_id: UUID, projects: set[UUID]) -> None:
    """The worker holds no lease there, and no open task is his."""
    for task in act.state.tasks.values():
        is_his = task.assignee == worker_id and task.status in OPEN
        if task.project in projects and is_his:
            if task.lease is None:
                task.assignee = None
            give_back(act.state, task)
            if task.status == "in_progress":
                becomes(act.state, task, "pending")
            note(task)
