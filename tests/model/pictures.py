"""One tenant as plain values, by the model and by the entities, to be held side by side."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Lease, Priority, Task
from tests.model.budgets import MEASURES
from tests.model.state import LeaseFacts, State, TaskFacts

Picture = dict[str, dict[Any, Any]]


def picture_of_state(state: State) -> Picture:
    return {
        "tasks": {task.id: _task_facts(state, task) for task in state.tasks.values()},
        "projects": {
            project.id: {
                "slug": project.slug,
                "name": project.name,
                "policy": project.policy,
                "budget": project.budget,
                "members": {m: m == project.owner for m in project.members},
                "is_archived": project.is_archived,
                "is_deleted": project.is_deleted,
                "counted": state.counted(project.id),
                "used": _amounts(project.used),
                "version": project.version,
            }
            for project in state.projects.values()
        },
        "workers": {
            worker.id: {
                "handle": worker.handle,
                "name": worker.name,
                "abilities": worker.abilities,
                "room": worker.room,
                "is_active": worker.is_active,
                "version": worker.version,
            }
            for worker in state.workers.values()
        },
        "edges": dict(state.edges),
    }


def _task_facts(state: State, task: TaskFacts) -> dict[str, Any]:
    purged = {} if task.is_purged else {"title": task.title, "choices": task.choices}
    return purged | {
        "project": task.project,
        "parent": task.parent,
        "status": task.status,
        "priority": task.priority,
        "assignee": task.assignee,
        "times": (task.due_at, task.run_after),
        "needs": task.needs,
        "attempts": (task.attempt, task.max_attempts),
        "progress": task.progress,
        "blocked_reason": task.blocked_reason,
        "submitter": task.submitter if task.status == "review" else None,
        "lease": _lease_facts(state, task, task.lease),
        "last_token": task.last_token,
        "budget": task.budget,
        "used": _amounts(task.used),
        "was_started": task.started_at is not None,
        "is_completed": task.completed_at is not None,
        "unmet": state.unmet(task) if task.is_live else None,
        "deletion": task.deletion,
        "is_purged": task.is_purged,
        "version": task.version,
    }


def _lease_facts(state: State, task: TaskFacts, lease: LeaseFacts | None) -> Any:
    """Who is put back counts only if he may be given the task."""
    if lease is None:
        return None
    before = lease.before if state.is_fit(lease.before, task.project) else None
    return lease.holder, lease.token, before


def picture_of_board(board: Board, state: State) -> Picture:
    """`state` only says who may be given tasks."""
    tasks = board.tasks.values()
    return {
        "tasks": {
            task.id: picture_of_task(task, board.leases.get(task.key), state) for task in tasks
        },
        "projects": {
            project.id: {
                "slug": project.slug,
                "name": project.name,
                "policy": str(project.approval_policy),
                "budget": project.budget,
                "members": {
                    member.worker_id: member.role == "owner"
                    for member in board.members.values()
                    if member.project_id == project.id
                },
                "is_archived": project.status == "archived",
                "is_deleted": project.deleted_at is not None,
                "counted": _counted(board, project.key),
                "used": _tallied(board, project.key),
                "version": project.version,
            }
            for project in board.projects.values()
        },
        "workers": {
            worker.id: {
                "handle": worker.handle,
                "name": worker.name,
                "abilities": set(worker.capabilities),
                "room": worker.max_concurrent_tasks,
                "is_active": worker.deactivated_at is None,
                "version": worker.version,
            }
            for worker in board.workers.values()
        },
        "edges": {
            (edge.task_id, edge.depends_on_id): str(edge.on_failure)
            for edge in board.dependencies.values()
        },
    }


def picture_of_task(task: Task, lease: Lease | None, state: State) -> dict[str, Any]:
    question = task.question or {}
    said = {"title": task.title, "choices": question.get("choices")}
    return ({} if task.purged_at else said) | {
        "project": task.project_id,
        "parent": task.parent_id,
        "status": str(task.status),
        "priority": Priority(task.priority).name.lower(),
        "assignee": task.assignee_id,
        "times": (task.due_at, task.run_after),
        "needs": set(task.required_capabilities),
        "attempts": (task.attempt, task.max_attempts),
        "progress": task.progress,
        "blocked_reason": task.blocked_reason,
        "submitter": task.submitted_by_id if task.status == "review" else None,
        "lease": _lease(state, task, lease),
        "last_token": task.last_token,
        "budget": task.budget,
        "used": _amounts(task.usage or {}),
        "was_started": task.started_at is not None,
        "is_completed": task.completed_at is not None,
        "unmet": None if task.deleted_at else task.unmet_dependencies,
        "deletion": task.deletion_id,
        "is_purged": task.purged_at is not None,
        "version": task.version,
    }


def _lease(state: State, task: Task, lease: Lease | None) -> Any:
    if lease is None:
        return None
    before = lease.previous_assignee_id
    is_fit = state.is_fit(before, task.project_id)
    return lease.holder_id, lease.token, before if is_fit else None


def _counted(board: Board, project: tuple[UUID, UUID]) -> tuple[int, int]:
    tally = board.tally.get(project)
    return (0, 0) if tally is None else (tally.tasks, tally.completed)


def _tallied(board: Board, project: tuple[UUID, UUID]) -> dict[str, int]:
    tally = board.tally.get(project)
    return {name: 0 if tally is None else getattr(tally, name) for name in MEASURES}


def _amounts(used: dict[str, int]) -> dict[str, int]:
    return {name: used.get(name, 0) for name in MEASURES}


def differences(is_so: Any, should_be: Any, where: str = "") -> list[str]:
    """What to look at, a line each; nothing if they are equal."""
    if is_so == should_be:
        return []
    if not (isinstance(is_so, dict) and isinstance(should_be, dict)):
        return [f"{where.strip()}: {is_so}, but should be {should_be}"]
    names = [*is_so, *(name for name in should_be if name not in is_so)]
    return [
        line
        for name in names
        for line in differences(
            is_so.get(name, "nothing"), should_be.get(name, "nothing"), f"{where} {name}"
        )
    ]
