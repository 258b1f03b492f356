"""Rows that a rule needs: found on the board, or the job is refused."""

from uuid import UUID

from jobs.board import Board
from jobs.changes import Own
from jobs.entities import Project, ProjectStatus, Task, Worker
from jobs.errors import AlreadyExists, NotAllowed, NotFound, Observed, VersionConflict


def seen(entity: Own) -> Observed:
    """What a refusal tells the caller about the entity."""
    status = None if isinstance(entity, Worker) else entity.status
    return Observed(status=status, version=entity.version)


def known_task(board: Board, task_id: UUID) -> Task:
    """The task, deleted or not."""
    task = board.tasks.get((board.cause().tenant_id, task_id))
    if task is None:
        raise NotFound(f"There is no task {task_id}; correct the id.")
    return task


def live_task(board: Board, task_id: UUID) -> Task:
    task = board.tasks.get((board.cause().tenant_id, task_id))
    if task is None or task.deleted_at is not None or _is_hidden(board, task):
        raise NotFound(f"There is no task {task_id}; create it first, or correct the id.")
    return task


def _is_hidden(board: Board, task: Task) -> bool:
    """With its project, all that is in it disappears."""
    return board.projects[task.tenant_id, task.project_id].deleted_at is not None


def known_project(board: Board, project_id: UUID) -> Project:
    """The project, deleted or not."""
    project = board.projects.get((board.cause().tenant_id, project_id))
    if project is None:
        raise NotFound(f"There is no project {project_id}; correct the id.")
    return project


def live_project(board: Board, project_id: UUID) -> Project:
    project = board.projects.get((board.cause().tenant_id, project_id))
    if project is None or project.deleted_at is not None:
        raise NotFound(f"There is no project {project_id}; create it first, or correct the id.")
    return project


def active_project(board: Board, project_id: UUID) -> Project:
    project = live_project(board, project_id)
    if project.status is not ProjectStatus.ACTIVE:
        raise NotAllowed(
            f"Project {project.slug} is archived; unarchive it before working in it.",
            observed=seen(project),
        )
    return project


def known_worker(board: Board, worker_id: UUID) -> Worker:
    """The worker, deactivated or not."""
    worker = board.workers.get((board.cause().tenant_id, worker_id))
    if worker is None:
        raise NotFound(f"There is no worker {worker_id}; register it first, or correct the id.")
    return worker


def active_worker(board: Board, worker_id: UUID) -> Worker:
    worker = known_worker(board, worker_id)
    if worker.deactivated_at is not None:
        raise NotAllowed(
            f"Worker {worker.handle} is deactivated; reactivate it first.", observed=seen(worker)
        )
    return worker


def require_version(entity: Own, expected: int | None) -> None:
    """The caller has seen the entity as it is now."""
    if expected is not None and expected != entity.version:
        raise VersionConflict(
            f"Version {expected} was expected, it is {entity.version} by now; read it again.",
            observed=seen(entity),
        )


def require_free_id(board: Board, new_id: UUID) -> None:
    """Nothing has this id: a project, a worker and a task never share one (nor a history)."""
    key = (board.cause().tenant_id, new_id)
    for table in (board.projects, board.workers, board.tasks):
        entity: Own | None = table.get(key)
        if entity is not None:
            kind = type(entity).__name__.lower()
            raise AlreadyExists(
                f"{new_id} is a {kind} already; use a new id.", observed=seen(entity)
            )
