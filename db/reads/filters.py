"""Which tasks a list is about: every filter is a condition of the one statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select

from db.arrays import table_of
from db.models import Wording
from db.reads.views import TASK, TIME
from jobs.entities import OPEN, Priority, TaskStatus
from jobs.values import storable_text

WORDING = table_of(Wording)
MAX_TEXT = 200
"""Characters of a text that is searched for."""
NEVER: ColumnElement[Any] = literal_column("'infinity'::timestamptz", TIME)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is given must hold; of `statuses` and `priorities` one must be the task's.

    `tags`: the task has all of them. `text`: it stands in title or description, in any case.
    `is_waiting`: on dependencies. `is_overdue`: open, and its due date has passed.
    """

    project_id: UUID | None = None
    assignee_id: UUID | None = None
    parent_id: UUID | None = None
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
        for given in (self.text or "", *self.tags):
            storable_text(given)

    @property
    def is_search(self) -> bool:
        """Whether nobody can say beforehand how many tasks it finds."""
        return bool(self.tags or self.text)


EVERY = Filters()
"""Every live task."""


def conditions(filters: Filters, tenant_id: UUID) -> Iterator[ColumnElement[bool]]:
    """The tenant always: under row-level security only plain comparisons reach an index."""
    yield TASK.c.tenant_id == tenant_id
    for name in ("project_id", "assignee_id", "parent_id"):
        wanted = getattr(filters, name)
        if wanted is not None:
            yield TASK.c[name] == wanted
    if filters.statuses:
        yield TASK.c.status.in_([status.value for status in filters.statuses])
    if filters.priorities:
        yield TASK.c.priority_rank.in_([priority.value for priority in filters.priorities])
    if filters.is_search:
        worded = select(WORDING.c.task_id).where(WORDING.c.tenant_id == tenant_id)
        yield TASK.c.id.in_(worded.where(*_worded(filters)))
    yield from _of_due_date_and_dependencies(filters)


def due(tasks: Any) -> ColumnElement[Any]:
    """As the index has it: what is never due comes after all that is."""
    return func.coalesce(tasks.c.due_at, NEVER, type_=TIME)


def _worded(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """The user's % and _ are what they look like."""
    if filters.project_id is not None:
        yield WORDING.c.project_id == filters.project_id
    if filters.text:
        plain = filters.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        yield WORDING.c.words.ilike(f"%{plain}%")
    if filters.tags:
        yield WORDING.c.tags.contains(list(filters.tags))


def _of_due_date_and_dependencies(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.has_due_date is not None:
        due_at = TASK.c.due_at
        yield due_at.is_not(None) if filters.has_due_date else due_at.is_(None)
    if filters.is_overdue:
        yield due(TASK) < func.now()
        yield TASK.c.status.in_(sorted(status.value for status in OPEN))
    elif filters.is_overdue is not None:
        yield ~TASK.c.overdue
    if filters.is_waiting is not None:
        yield TASK.c.waiting if filters.is_waiting else ~TASK.c.waiting
