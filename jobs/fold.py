"""The fold: what an entity was after some of its events, typed as in its table.

Every event holds the new values of what it changed, so later ones win. Columns that change without
events stand at their defaults: task.unmet_dependencies, worker.last_seen_at. A lease stands as it
was granted, because renewals are not part of the history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from jobs.changes import Own, own_names
from jobs.entities import Comment, Dependency, Event, Lease, Member, Project, Task, Worker

TASK = TypeAdapter(Task)
PROJECT = TypeAdapter(Project)
WORKER = TypeAdapter(Worker)
LEASE = TypeAdapter(Lease)
MEMBER = TypeAdapter(Member)
COMMENT = TypeAdapter(Comment)
DEPENDENCY = TypeAdapter(Dependency)


@dataclass(slots=True)
class TaskState:
    """`dependencies`: by the task that is waited for. `comments`: those that can be read."""

    task: Task
    lease: Lease | None = None
    comments: list[Comment] = field(default_factory=list)
    dependencies: dict[UUID, Dependency] = field(default_factory=dict)


@dataclass(slots=True)
class ProjectState:
    """`members`: by worker."""

    project: Project
    members: dict[UUID, Member] = field(default_factory=dict)


@dataclass(slots=True)
class WorkerState:
    worker: Worker


def fold_task(events: Sequence[Event]) -> TaskState:
    """The task after the last of `events`, its history from the first event on, in order.

    Raises ValueError if there are no events, if one is missing, or if they are not a task's.
    """
    state = TaskState(TASK.validate_python(_own_values("task", Task, events)))
    for event in events:
        _take_task_parts(state, event)
    return state


def fold_project(events: Sequence[Event]) -> ProjectState:
    """As `fold_task`, for a project."""
    state = ProjectState(PROJECT.validate_python(_own_values("project", Project, events)))
    for event in events:
        if "member" in event.data:
            _take_member(state, event, event.data["member"])
    return state


def fold_worker(events: Sequence[Event]) -> WorkerState:
    """As `fold_task`, for a worker."""
    return WorkerState(WORKER.validate_python(_own_values("worker", Worker, events)))


def _own_values(entity_type: str, table: type[Own], events: Sequence[Event]) -> dict[str, Any]:
    """What the columns hold after the events, as the events say it, and the header."""
    _require_history(entity_type, events)
    first, last = events[0], events[-1]
    told = {name: value for event in events for name, value in event.data.items()}
    own = {name: told[name] for name in own_names(table) if name in told}
    return own | {
        "tenant_id": first.tenant_id,
        "id": first.entity_id,
        "version": last.seq,
        "created_at": first.at,
        "updated_at": last.at,
    }


def _require_history(entity_type: str, events: Sequence[Event]) -> None:
    if not events:
        raise ValueError("nothing has a history without events")
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        raise ValueError("events are missing or out of order")
    if events[0].entity_type != entity_type:
        raise ValueError(f"these are the events of a {events[0].entity_type}")


def _take_task_parts(state: TaskState, event: Event) -> None:
    data = event.data
    if "lease" in data:
        state.lease = _lease(event, data["lease"])
    if "comment" in data:
        state.comments.append(_comment(event, data["comment"]))
    if "comments" in data:  # a purge says null: nobody can read them any more
        state.comments.clear()
    for edge in _edges(data):
        _take_edge(state, event, edge)


def _edges(data: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield from data.get("dependencies") or ()
    if "dependency" in data:
        yield data["dependency"]


def _take_edge(state: TaskState, event: Event, part: dict[str, Any]) -> None:
    """An edge without a policy has been removed."""
    blocker = UUID(str(part["depends_on_id"]))
    if part["on_failure"] is None:
        state.dependencies.pop(blocker, None)
    else:
        state.dependencies[blocker] = DEPENDENCY.validate_python(_of_task(event) | part)


def _lease(event: Event, part: dict[str, Any] | None) -> Lease | None:
    if part is None:
        return None
    return LEASE.validate_python(_of_task(event) | {"renewed_at": event.at} | part)


def _comment(event: Event, part: dict[str, Any]) -> Comment:
    return COMMENT.validate_python(_of_task(event) | {"created_at": event.at} | part)


def _of_task(event: Event) -> dict[str, Any]:
    return {"tenant_id": event.tenant_id, "task_id": event.entity_id}


def _take_member(state: ProjectState, event: Event, part: dict[str, Any]) -> None:
    """A member without a role has been removed."""
    worker_id = UUID(str(part["worker_id"]))
    if part.get("role") is None:
        state.members.pop(worker_id, None)
        return
    of_project = {"tenant_id": event.tenant_id, "project_id": event.entity_id}
    state.members[worker_id] = MEMBER.validate_python(of_project | part)
