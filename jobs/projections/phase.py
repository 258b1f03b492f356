"""Where a task stands, in the words that agent protocols share: between our states and theirs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import assert_never

from jobs.difference import reason
from jobs.entities import Event, Task, TaskStatus
from jobs.payloads.lifecycle import BUDGET, INPUT_REQUIRED


class Phase(Enum):
    QUEUED = auto()
    WORKED_ON = auto()
    HELD_UP = auto()
    ASKING = auto()
    OVER_BUDGET = auto()
    UNDER_REVIEW = auto()
    DONE = auto()
    FAILED = auto()
    LOST = auto()
    CANCELLED = auto()


class TaskGone(LookupError):  # noqa: N818 - errors say what is the case
    """The task is deleted: to agents it does not exist."""


def phase_of(task: Task) -> Phase:
    """Raises TaskGone for a deleted task."""
    if task.deleted_at is not None:
        raise TaskGone(f"there is no task {task.id}")
    return _phase_of_live(task)


def _phase_of_live(task: Task) -> Phase:  # noqa: PLR0911 - a table
    match task.status:
        case TaskStatus.PENDING:
            return Phase.QUEUED
        case TaskStatus.IN_PROGRESS:
            return Phase.WORKED_ON
        case TaskStatus.BLOCKED:
            return _blocked(task)
        case TaskStatus.REVIEW:
            return Phase.UNDER_REVIEW
        case TaskStatus.COMPLETED:
            return Phase.DONE
        case TaskStatus.FAILED:
            return _failed(task)
        case TaskStatus.CANCELLED:
            return Phase.CANCELLED
        case _:
            assert_never(task.status)


def _blocked(task: Task) -> Phase:
    if task.blocked_reason == INPUT_REQUIRED and task.question is not None:
        return Phase.ASKING
    if task.blocked_reason == BUDGET:
        return Phase.OVER_BUDGET
    return Phase.HELD_UP


def _failed(task: Task) -> Phase:
    """Who reports a failure says whether it is permanent; otherwise nobody did: a lost lease."""
    return Phase.FAILED if "permanent" in (task.failure or {}) else Phase.LOST


def sentence(  # noqa: C901, PLR0911 - a table
    task: Task, phase: Phase, history: Sequence[Event] = ()
) -> str:
    """What to tell people about the phase."""
    match phase:
        case Phase.QUEUED:
            return _queued(task)
        case Phase.WORKED_ON:
            return f"In progress, {task.progress} % done."
        case Phase.HELD_UP:
            return f"Blocked: {task.blocked_reason}"
        case Phase.ASKING:
            return str((task.question or {})["prompt"])
        case Phase.OVER_BUDGET:
            return "The budget is used up; an owner of the project has to raise it."
        case Phase.UNDER_REVIEW:
            return "Handed in; another member of the project has to approve or reject it."
        case Phase.DONE:
            return "Completed."
        case Phase.FAILED | Phase.LOST:
            return f"Failed: {(task.failure or {}).get('reason', 'no reason was given')}"
        case Phase.CANCELLED:
            return _cancelled(history)
        case _:
            assert_never(phase)


def entered(task: Task, history: Sequence[Event]) -> int:
    """The version in which the task came to its status; without a history, today's."""
    move = _last_move(history)
    return task.version if move is None else move.seq


def stamp(time: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _queued(task: Task) -> str:
    if task.unmet_dependencies == 0:
        return "Queued."
    return f"Queued; other tasks have to be completed first: {task.unmet_dependencies}."


def _cancelled(history: Sequence[Event]) -> str:
    move = _last_move(history)
    told = None if move is None else reason(move)
    return "Cancelled." if told is None else f"Cancelled: {told}"


def _last_move(history: Sequence[Event]) -> Event | None:
    return next((event for event in reversed(history) if "status" in event.data), None)
