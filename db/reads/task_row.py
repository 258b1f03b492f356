"""A task as lists show it."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, select

from db.reads.views import TASK, WORKER

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


def rows_and(*more: Any, tasks: Any = TASK) -> Select[Any]:
    """Selects the columns of TaskRow, and `more` after them; `tasks` has the columns of TASK."""
    shown = (ASSIGNEE.c.handle if name == "assignee" else tasks.c[name] for name in NAMES)
    assigned = and_(ASSIGNEE.c.tenant_id == tasks.c.tenant_id, ASSIGNEE.c.id == tasks.c.assignee_id)
    return select(*shown, *more).select_from(tasks.outerjoin(ASSIGNEE, assigned))


def task_row(row: Row[Any]) -> TaskRow:
    """Of a row of `rows_and`, whatever follows in it."""
    return TaskRow(*row[: len(NAMES)])
