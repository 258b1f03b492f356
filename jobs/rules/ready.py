"""When a pending task may be begun, and by whom (domain: claims, "Ready")."""

from jobs.board import Board
from jobs.entities import ProjectStatus, Task, TaskStatus, Worker
from jobs.errors import DependenciesUnmet, JobRejected, NotAllowed
from jobs.rules.find import seen


def require_ready(board: Board, task: Task, worker: Worker) -> None:
    """Nothing keeps `worker` from beginning the pending `task`."""
    obstacle = _obstacle(board, task, worker)
    if obstacle is not None:
        raise obstacle


def is_ready(board: Board, task: Task, worker: Worker) -> bool:
    """Whether `worker`, a member of its project, can be given the task."""
    if task.status is not TaskStatus.PENDING or task.deleted_at is not None:
        return False
    return _is_in_active_project(board, task) and _obstacle(board, task, worker) is None


def require_dependencies_met(task: Task) -> None:
    obstacle = _unmet(task)
    if obstacle is not None:
        raise obstacle


def _obstacle(board: Board, task: Task, worker: Worker) -> JobRejected | None:
    if task.assignee_id not in {None, worker.id}:
        return NotAllowed(
            "The task is assigned to another worker; let it be reassigned.", observed=seen(task)
        )
    if task.run_after is not None and task.run_after > board.now:
        return NotAllowed(
            f"The task is not to be begun before {task.run_after.isoformat()}; wait until then.",
            observed=seen(task),
        )
    missing = set(task.required_capabilities).difference(worker.capabilities)
    if missing:
        return NotAllowed(
            f"{worker.handle} lacks what the task requires: {', '.join(sorted(missing))}; "
            "leave it to a worker who has it.",
            observed=seen(task),
        )
    return _unmet(task)


def _unmet(task: Task) -> JobRejected | None:
    if not task.unmet_dependencies:
        return None
    return DependenciesUnmet(
        f"The task waits for {task.unmet_dependencies} others; let them be completed first.",
        observed=seen(task),
    )


def _is_in_active_project(board: Board, task: Task) -> bool:
    """A project that is not on the board is active: the candidate was found that way."""
    project = board.projects.get((task.tenant_id, task.project_id))
    return project is None or (
        project.status is ProjectStatus.ACTIVE and project.deleted_at is None
    )
