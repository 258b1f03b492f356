"""The rules about who waits for whom. Within a project the edges form no cycle."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import OPEN, Dependency, Key, OnFailure, Task
from jobs.errors import AlreadyExists, DependencyCycle, Invalid, NotAllowed, NotFound
from jobs.payloads.task import AddDependency, NewDependency, RemoveDependency
from jobs.rules.consequences import Standing, count_unmet, is_met
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_member
from jobs.rules.transitions import require_status


def add(board: Board, payload: AddDependency) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    require_status(task, OPEN, "wait for others")
    edge = Dependency(task.tenant_id, task.id, payload.depends_on_id, payload.on_failure)
    blocker = _require_sound(board, task, edge)
    if edge.key in board.dependencies:
        raise AlreadyExists("The task waits for that one already; nothing is to be done.")
    part = edge_part(edge.depends_on_id, edge.on_failure)
    board.record("task.dependency_added", task, parts={"dependency": part})
    _add(board, task, edge, blocker)
    return _result(task)


def remove(board: Board, payload: RemoveDependency) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    edge = board.dependencies.get((task.tenant_id, task.id, payload.depends_on_id))
    if edge is None:
        raise NotFound(
            f"The task does not wait for {payload.depends_on_id}; nothing is to be done.",
            observed=seen(task),
        )
    part = {"depends_on_id": edge.depends_on_id, "on_failure": None}
    board.record("task.dependency_removed", task, parts={"dependency": part})
    board.remove_dependency(edge)
    if not is_met(edge, Standing.of(board.kin(edge.blocker))):
        count_unmet(board, task, -1)
    return _result(task)


def join(board: Board, task: Task, edges: Sequence[NewDependency]) -> None:
    """The new task waits for these; its first event has told so."""
    for new in edges:
        edge = Dependency(task.tenant_id, task.id, new.task_id, new.on_failure)
        _add(board, task, edge, _require_sound(board, task, edge))


def edge_part(depends_on_id: UUID, on_failure: OnFailure) -> dict[str, Any]:
    """What events say about an edge."""
    return {"depends_on_id": depends_on_id, "on_failure": on_failure}


def _add(board: Board, task: Task, edge: Dependency, blocker: Task) -> None:
    board.add_dependency(edge)
    if not is_met(edge, Standing.of(blocker)):
        count_unmet(board, task, 1)


def _require_sound(board: Board, task: Task, edge: Dependency) -> Task:
    """The blocker, if the task can wait for it."""
    blocker = live_task(board, edge.depends_on_id)
    if blocker.project_id != task.project_id:
        raise Invalid(
            "Tasks wait for tasks of their own project; name one of those.", observed=seen(blocker)
        )
    if edge.on_failure is OnFailure.CANCEL and Standing.of(blocker).is_undone:
        raise NotAllowed(
            f"That task is {blocker.status}, so this one would be cancelled at once; "
            "bring that one back first, or choose another on_failure.",
            observed=seen(blocker),
        )
    if task.key in _waited_for_by(board, blocker.key):
        raise DependencyCycle(
            "That task waits for this one, directly or through others; remove that edge first.",
            observed=seen(blocker),
        )
    if blocker.key in board.line(task.key):
        raise DependencyCycle(
            "A task is part of what is above it and cannot wait for that; move it away first.",
            observed=seen(blocker),
        )
    return blocker


def _waited_for_by(board: Board, task: Key) -> set[Key]:
    """All that the task waits for, directly or through others, and the task itself."""
    found, to_visit = {task}, [task]
    while to_visit:
        new = board.blockers.get(to_visit.pop(), set()) - found
        found |= new
        to_visit.extend(new)
    return found


def _result(task: Task) -> dict[str, Any]:
    return task_result(task) | {"unmet_dependencies": task.unmet_dependencies}
