"""Lists of tasks: filtered, in one of four orders, page by page. One statement each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.filters import DUE, EVERY, NEVER, Filters, conditions
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


KEYS: dict[Sort, tuple[ColumnElement[Any], str, Any]] = {
    Sort.CREATED: (TASK.c.created_at, "created_at", AwareDatetime),
    Sort.DUE: (DUE, "due_at", AwareDatetime | None),
    Sort.PRIORITY: (TASK.c.priority_rank, "priority_rank", Annotated[int, Field(ge=0, le=3)]),
    Sort.TITLE: (TASK.c.title, "title", Text),
}
"""What is compared, the attribute of the row that it is, and its type in a cursor."""


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
    key, name, _ = KEYS[order.sort]
    statement = rows_and().where(*conditions(filters, tenant_id))
    if after is not None:
        statement = statement.where(_is_behind(after, order))
    ordered = (column.desc() if order.descending else column for column in (key, TASK.c.id))
    found = await connection.execute(statement.order_by(*ordered).limit(limit + 1))
    return page(
        [task_row(row) for row in found],
        limit,
        lambda row: (order.sort, order.descending, getattr(row, name), row.id),
    )


async def count_tasks(
    connection: AsyncConnection, tenant_id: UUID, filters: Filters = EVERY
) -> int:
    """How many tasks a list has, over all its pages."""
    counted = select(func.count()).select_from(TASK).where(*conditions(filters, tenant_id))
    found = await connection.execute(counted)
    return int(found.scalar_one())


def _is_behind(after: str, order: Order) -> ColumnElement[bool]:
    key, _, kind = KEYS[order.sort]
    sort, descending, value, task_id = place_of(after, Sort, bool, kind, UUID)
    if Order(sort, descending) != order:
        raise BadCursor("the cursor is of a list in another order; begin at the first page")
    here = tuple_(key, TASK.c.id)
    last = tuple_(NEVER if value is None else value, task_id)
    return here < last if descending else here > last
