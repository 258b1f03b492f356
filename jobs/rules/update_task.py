"""The rule that changes how a task is defined."""

from typing import Any

from jobs.board import Board
from jobs.entities import Priority, Task
from jobs.errors import Invalid
from jobs.payloads.base import changed_fields
from jobs.payloads.task import UpdateTask
from jobs.rules.find import active_project, live_task, require_version, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_member
from jobs.rules.recur import redefined


def update(board: Board, payload: UpdateTask) -> dict[str, Any]:
    """Records what differs; if nothing does, nothing happens."""
    task = live_task(board, payload.task_id)
    active_project(board, task.project_id)
    require_member(board, task.project_id)
    require_version(task, payload.expected_version)
    new = _new_columns(task, payload)
    differing = {name: value for name, value in new.items() if value != getattr(task, name)}
    if differing.get("max_attempts", task.max_attempts) < max(task.attempt, 1):
        raise Invalid(
            f"{task.attempt} attempts have been made; allow at least as many.", observed=seen(task)
        )
    if differing:
        board.record("task.updated", task, **differing)
    return task_result(task) | {"changed": sorted(differing)}


def _new_columns(task: Task, payload: UpdateTask) -> dict[str, Any]:
    new = changed_fields(payload)
    if payload.priority is not None:
        new["priority"] = Priority[payload.priority.upper()]
    due_at = new.get("due_at", task.due_at)
    recurs = new["recurrence"] is not None if "recurrence" in new else task.recurrence is not None
    if recurs and due_at is None:
        raise Invalid(
            "A recurring task needs due_at; give one, or clear its recurrence.", observed=seen(task)
        )
    if payload.recurrence is not None and due_at is not None:
        new["recurrence"] = redefined(task, payload.recurrence, due_at)
    return new
