"""The rules by which a task comes again.

`task.recurrence` holds what the producer asked for and where the series stands: `series_id`,
`occurrence` (from 1), `scheduled_at`, and `successor_id` as soon as it is known whether there is
one; null says that the series has ended.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Lease, ProjectStatus, Task, TaskStatus, WorkerKind
from jobs.errors import Aborted
from jobs.ids import derived_id
from jobs.payloads.lifecycle import RecurTask
from jobs.payloads.task import NewTask
from jobs.recurrence import Recurrence, next_after
from jobs.rules.find import live_project, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import former_assignee, is_member
from jobs.rules.templates import clone_subtasks

ON_COMPLETION = frozenset({"on_complete", "both"})
ON_DUE = frozenset({"on_due", "both"})


def first_occurrence(new: NewTask) -> dict[str, Any] | None:
    """What a new task keeps about its recurrence, if it recurs."""
    if new.recurrence is None or new.due_at is None:
        return None
    return _stored(new.recurrence, new.task_id, 1, new.due_at)


def redefined(task: Task, recurrence: Recurrence, due_at: datetime) -> dict[str, Any]:
    """What the task keeps when it is to recur by another rule, being due at `due_at` now.

    It stays the same occurrence of its series, and keeps its successor, if it has one; a series
    that had ended goes on.
    """
    if task.recurrence is None:
        return _stored(recurrence, task.id, 1, due_at)
    own = _own(task)
    kept = {} if own.get("successor_id") is None else {"successor_id": own["successor_id"]}
    return _stored(recurrence, UUID(own["series_id"]), own["occurrence"], due_at) | kept


def recur(board: Board, payload: RecurTask) -> dict[str, Any]:
    """The system's: the due time came, so the next occurrence does."""
    task = live_task(board, payload.task_id)
    if not _is_to_recur(board, task, payload.scheduled_at):
        raise Aborted(
            "The task has been followed or changed meanwhile; nothing is to be done.",
            observed=seen(task),
        )
    successor = _succeed(board, task, board.leases.get(task.key))
    return task_result(task) | {"successor_id": None if successor is None else successor.id}


def spawn_successor(board: Board, task: Task, lease: Lease | None) -> Task | None:
    """The next occurrence of the task just completed, if its completion makes one.

    `lease` is the one that the completion ended.
    """
    if not _is_unfollowed(board, task, ON_COMPLETION):
        return None
    return _succeed(board, task, lease)


def _is_to_recur(board: Board, task: Task, scheduled_at: datetime) -> bool:
    return (
        _is_unfollowed(board, task, ON_DUE)
        and task.status is not TaskStatus.CANCELLED
        and task.due_at is not None
        and task.due_at <= board.now
        and _scheduled_at(task) == scheduled_at
    )


def _is_unfollowed(board: Board, task: Task, triggers: frozenset[str]) -> bool:
    """Archived projects get no new tasks: there the series waits."""
    if task.recurrence is None or "successor_id" in task.recurrence:
        return False
    is_active = live_project(board, task.project_id).status is ProjectStatus.ACTIVE
    return is_active and task.recurrence["trigger"] in triggers


def _succeed(board: Board, task: Task, lease: Lease | None) -> Task | None:
    """Says at the task what follows it, so that it happens once, and makes it."""
    scheduled_at = _next_time(board, task)
    if scheduled_at is None:
        _follow(board, task, None)
        return None
    assignee_id = _next_assignee(board, task, lease)
    successor = _successor(board, task, scheduled_at, assignee_id)
    _follow(board, task, successor.id)
    board.create("task.created", successor)
    board.count(successor, tasks=1)
    if _recurrence(task).clone_subtasks:
        clone_subtasks(board, task, successor, scheduled_at - _scheduled_at(task))
    return successor


def _follow(board: Board, task: Task, successor_id: UUID | None) -> None:
    told = {"successor_id": None if successor_id is None else str(successor_id)}
    kind = "task.series_ended" if successor_id is None else "task.recurred"
    board.record(kind, task, recurrence=_own(task) | told)


def _next_time(board: Board, task: Task) -> datetime | None:
    recurrence, so_far = _recurrence(task), _own(task)["occurrence"]
    if recurrence.max_occurrences is not None and so_far >= recurrence.max_occurrences:
        return None
    return next_after(recurrence, _scheduled_at(task), board.now)


def _successor(board: Board, task: Task, scheduled_at: datetime, assignee_id: UUID | None) -> Task:
    series_id, number = UUID(_own(task)["series_id"]), _own(task)["occurrence"] + 1
    due_at = scheduled_at.astimezone(board.now.tzinfo)
    later = due_at - (task.due_at or _scheduled_at(task))
    return Task(
        tenant_id=task.tenant_id,
        # Whoever makes this occurrence gives it this id, so the series cannot fork.
        id=derived_id(task.created_at, "task.recur", series_id, number),
        project_id=task.project_id,
        parent_id=task.parent_id,
        title=task.title,
        description=task.description,
        priority=task.priority,
        created_by_id=task.created_by_id,
        assignee_id=assignee_id,
        tags=task.tags,
        attributes=task.attributes,
        required_capabilities=task.required_capabilities,
        due_at=due_at,
        run_after=None if task.run_after is None else task.run_after + later,
        max_attempts=task.max_attempts,
        budget=task.budget,
        recurrence=_stored(_recurrence(task), series_id, number, scheduled_at),
        created_at=board.now,
        updated_at=board.now,
    )


def _next_assignee(board: Board, task: Task, lease: Lease | None) -> UUID | None:
    """Who had it before an agent took it; a human keeps his tasks."""
    if lease is not None:
        return former_assignee(board, task, lease)
    worker = task.assignee_id and board.workers[task.tenant_id, task.assignee_id]
    if not worker or worker.deactivated_at or not is_member(board, task.project_id, worker):
        return None
    was_claimed = worker.kind is WorkerKind.AGENT and task.started_at is not None
    return None if was_claimed else worker.id


def _stored(
    recurrence: Recurrence, series_id: UUID, number: int, scheduled_at: datetime
) -> dict[str, Any]:
    """As JSON has it, because it is stored."""
    return recurrence.model_dump(mode="json", exclude_none=True) | {
        "series_id": str(series_id),
        "occurrence": number,
        "scheduled_at": scheduled_at.isoformat(),
    }


def _own(task: Task) -> dict[str, Any]:
    return task.recurrence or {}


def _recurrence(task: Task) -> Recurrence:
    stored = _own(task)
    return Recurrence(**{name: stored[name] for name in Recurrence.model_fields if name in stored})


def _scheduled_at(task: Task) -> datetime:
    return datetime.fromisoformat(_own(task)["scheduled_at"])
