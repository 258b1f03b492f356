"""What happened in a project: its own events and those of its tasks, the latest first."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import entity_columns, table_of
from db.models import Event as EventTable
from db.models import Task as TaskTable
from db.reads.paging import PAGE_ROWS, Page, page, place_of, require_limit
from jobs.entities import Event

EVENT, TASK = table_of(EventTable), table_of(TaskTable)
Seq = Annotated[int, Field(ge=1, le=2**31 - 1)]
ITS_TASK = and_(TASK.c.tenant_id == EVENT.c.tenant_id, TASK.c.id == EVENT.c.entity_id)
PLACE = (EVENT.c.at, EVENT.c.entity_id, EVENT.c.seq)


async def activity(
    connection: AsyncConnection,
    tenant_id: UUID,
    project_id: UUID,
    since: datetime,
    *,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[Event]:
    """A page of events at `since` or later, of deleted tasks too. One statement.

    The tenant's events are walked back from the latest; `since` bounds how far. Raises BadLimit
    and BadCursor.
    """
    require_limit(limit)
    statement = (
        select(*entity_columns(EVENT, Event))
        .select_from(EVENT.outerjoin(TASK, ITS_TASK))
        .where(
            EVENT.c.tenant_id == tenant_id,
            EVENT.c.at >= since,
            or_(EVENT.c.entity_id == project_id, TASK.c.project_id == project_id),
        )
    )
    if after is not None:
        statement = statement.where(
            tuple_(*PLACE) < tuple_(*place_of(after, AwareDatetime, UUID, Seq))
        )
    ordered = statement.order_by(*(column.desc() for column in PLACE)).limit(limit + 1)
    events = [Event(*row) for row in await connection.execute(ordered)]
    return page(events, limit, lambda event: (event.at, event.entity_id, event.seq))
