"""What was deleted lately and may be restored: tasks and projects, the latest first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import (
    CompoundSelect,
    Uuid,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Project as ProjectTable
from db.models import Task as TaskTable
from db.reads.paging import PAGE_ROWS, Page, page, place_of, require_limit

TASK, PROJECT = table_of(TaskTable), table_of(ProjectTable)
DAYS = 30


@dataclass(frozen=True, slots=True)
class Deleted:
    """`entity_type`: task or project. Tasks of one `deletion_id` went, and come back, together."""

    entity_type: str
    id: UUID
    title: str
    deletion_id: UUID | None
    deleted_at: datetime


async def deletions(
    connection: AsyncConnection,
    tenant_id: UUID,
    *,
    days: int = DAYS,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[Deleted]:
    """A page of what was deleted in the last `days` and is not purged. One statement.

    Raises BadLimit and BadCursor.
    """
    require_limit(limit)
    gone = _gone(tenant_id, timedelta(days=days)).subquery("gone")
    place = (gone.c.deleted_at, gone.c.id)
    statement = select(gone)
    if after is not None:
        last = place_of(after, AwareDatetime, UUID)
        statement = statement.where(tuple_(*place) < tuple_(*last))
    ordered = statement.order_by(*(column.desc() for column in place)).limit(limit + 1)
    rows = [Deleted(*row) for row in await connection.execute(ordered)]
    return page(rows, limit, lambda row: (row.deleted_at, row.id))


def _gone(tenant_id: UUID, span: timedelta) -> CompoundSelect[Any]:
    since = func.now() - span
    tasks = select(
        literal("task").label("entity_type"),
        *(TASK.c[name] for name in ("id", "title", "deletion_id", "deleted_at")),
    ).where(TASK.c.tenant_id == tenant_id, TASK.c.deleted_at >= since, TASK.c.purged_at.is_(None))
    projects = select(
        literal("project"), PROJECT.c.id, PROJECT.c.name, cast(null(), Uuid), PROJECT.c.deleted_at
    ).where(PROJECT.c.tenant_id == tenant_id, PROJECT.c.deleted_at >= since)
    return union_all(tasks, projects)
