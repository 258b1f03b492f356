"""A task as lists show it."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from db.reads.views import TASK, WORKER, is_worker

ASSIGNEE = WORKER.alias("assignee")


@dataclass(frozen=True, slots=True)
class TaskRow:
    """`progress` is the task's own; `assignee` is a handle."""

    id: UUID
    project_id: UUID
    project_slug: str
    title: str
    status: str
    priority: str
    priority_rank: int
    progress: int
    tags: list[str]
    due_at: datetime | None
    assignee_id: UUID | None
    assignee: str | None
    parent_id: UUID | None
    attempt: int
    blocked_reason: str | None
    waiting: bool
    overdue: bool
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    version: int


NAMES = [field.name for field in fields(TaskRow)]


def rows_and(*more: Any) -> Select[Any]:
    """Selects the columns of TaskRow, and `more` after them."""
    shown = (ASSIGNEE.c.handle if name == "assignee" else TASK.c[name] for name in NAMES)
    assigned = is_worker(ASSIGNEE, TASK.c.assignee_id)
    return select(*shown, *more).select_from(TASK.outerjoin(ASSIGNEE, assigned))


def task_row(row: Row[Any]) -> TaskRow:
    """Of a row of `rows_and`, whatever follows in it."""
    return TaskRow(*row[: len(NAMES)])
