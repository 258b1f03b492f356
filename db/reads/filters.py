"""Which tasks a list is about: every filter is a condition of the one statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, false, func, literal_column, or_

from db.reads.views import TASK
from jobs.entities import OPEN, Priority, TaskStatus

MAX_TEXT = 200
"""Characters of a text that is searched for."""
ESCAPE = "\\"
DUE: ColumnElement[object] = func.coalesce(
    TASK.c.due_at, literal_column("'infinity'::timestamptz"), type_=TASK.c.due_at.type
)
"""As the index has it: without a due date comes after all others."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is given must hold; of `statuses` and `priorities` one must be the task's.

    `tags`: the task has all of them. `text`: it stands in title or description, in any case.
    `waiting`: on dependencies. `overdue`: open, and its due date has passed.
    """

    project_id: UUID | None = None
    assignee_id: UUID | None = None
    statuses: tuple[TaskStatus, ...] = ()
    priorities: tuple[Priority, ...] = ()
    tags: tuple[str, ...] = ()
    text: str | None = None
    has_due_date: bool | None = None
    is_overdue: bool | None = None
    is_waiting: bool | None = None

    def __post_init__(self) -> None:
        if self.text is not None and len(self.text) > MAX_TEXT:
            raise ValueError(f"a text that is searched for has at most {MAX_TEXT} characters")


def conditions(filters: Filters, tenant_id: UUID) -> Iterator[ColumnElement[bool]]:
    """The tenant first: under row-level security only plain equalities reach an index."""
    yield TASK.c.tenant_id == tenant_id
    if filters.project_id is not None:
        yield TASK.c.project_id == filters.project_id
    if filters.assignee_id is not None:
        yield TASK.c.assignee_id == filters.assignee_id
    if filters.statuses:
        yield TASK.c.status.in_([status.value for status in filters.statuses])
    if filters.priorities:
        yield TASK.c.priority_rank.in_([priority.value for priority in filters.priorities])
    if filters.tags:
        yield TASK.c.tags.contains(list(filters.tags))
    if filters.text:
        yield _holds(filters.text)
    yield from _of_time_and_readiness(filters)
