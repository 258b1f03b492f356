"""Lists of tasks: filtered, in one of four orders, page by page. One statement each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.filters import EVERY, NEVER, Filters, conditions, due
from db.reads.paging import PAGE_ROWS, BadCursor, Page, page, place_of, require_limit
from db.reads.task_row import TaskRow, rows_and, task_row
from db.reads.views import TASK
from jobs.values import Text


class Sort(StrEnum):
    """Equal ones stand in the order of their ids. Tasks without a due date: as due last of all."""

    CREATED = "created"
    DUE = "due"
    PRIORITY = "priority"
    TITLE = "title"


KEYS: dict[Sort, tuple[str, Any]] = {
    Sort.CREATED: ("created_at", AwareDatetime),
    Sort.DUE: ("due_at", AwareDatetime | None),
    Sort.PRIORITY: ("priority_rank", Annotated[int, Field(ge=0, le=3)]),
    Sort.TITLE: ("title", Text),
}
"""The attribute of a row, and its type in a cursor."""


@dataclass(frozen=True, slots=True)
class Order:
    sort: Sort = Sort.CREATED
    descending: bool = True


NEWEST_FIRST = Order()


async def list_tasks(
    connection: AsyncConnection,
    tenant_id: UUID,
    filters: Filters = EVERY,
    order: Order = NEWEST_FIRST,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[TaskRow]:
    """The page that follows the cursor `after`, the first without one.

    Raises BadLimit unless `limit` is 1 to 100, and BadCursor for the cursor of another order.
    """
    require_limit(limit)
    tasks = _tasks(filters, tenant_id)
    place = (_key(tasks, order.sort), tasks.c.id)
    statement = rows_and(tasks=tasks).limit(limit + 1)
    statement = statement.order_by(*(one.desc() if order.descending else one for one in place))
    if after is not None:
        here, last = tuple_(*place), tuple_(*_last(after, order))
        statement = statement.where(here < last if order.descending else here > last)
    found = await connection.execute(statement)
    attribute, _ = KEYS[order.sort]
    return page(
        [task_row(row) for row in found],
        limit,
        lambda row: (order.sort, order.descending, getattr(row, attribute), row.id),
    )


async def count_tasks(
    connection: AsyncConnection, tenant_id: UUID, filters: Filters = EVERY
) -> int:
    """How many tasks a list has, over all its pages."""
    counted = select(func.count()).select_from(TASK).where(*conditions(filters, tenant_id))
    found = await connection.execute(counted)
    return int(found.scalar_one())


def _tasks(filters: Filters, tenant_id: UUID) -> Any:
    """The tasks of the list, in no order yet."""
    wanted = select(TASK).where(*conditions(filters, tenant_id))
    # Searches are badly estimated: the planner would walk all tasks in the order of the list, sure
    # to find enough of them soon. OFFSET keeps the order out, so that what is found is sorted.
    return (wanted.offset(0) if filters.is_search else wanted).subquery("found")


def _key(tasks: Any, sort: Sort) -> Any:
    return due(tasks) if sort is Sort.DUE else tasks.c[KEYS[sort][0]]


def _last(after: str, order: Order) -> tuple[Any, UUID]:
    """The place that the cursor of such a list holds."""
    sort, descending, value, task_id = place_of(after, Sort, bool, KEYS[order.sort][1], UUID)
    if Order(sort, descending) != order:
        raise BadCursor("the cursor is of a list in another order; begin at the first page")
    return NEVER if value is None else value, task_id
