"""Workers and what they hold, and what they have completed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Lease as LeaseTable
from db.reads.paging import PAGE_ROWS, Page, page, place_of, require_limit
from db.reads.task_row import TaskRow, rows_and, task_row
from db.reads.views import TASK, WORKER
from jobs.entities import WorkerKind
from jobs.values import Text

LEASE = table_of(LeaseTable)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class HeldTask:
    id: UUID
    title: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """`held_tasks` counts the leases; `holds`: those of live tasks, the first to expire first."""

    id: UUID
    handle: str
    name: str
    kind: str
    agent_type: str | None
    capabilities: list[str]
    max_concurrent_tasks: int | None
    held_tasks: int
    last_seen_at: datetime | None
    deactivated_at: datetime | None
    version: int
    holds: list[HeldTask]


COLUMNS = [field.name for field in fields(WorkerRow)][:-1]


async def list_workers(
    connection: AsyncConnection,
    tenant_id: UUID,
    kind: WorkerKind | None = None,
    *,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[WorkerRow]:
    """A page of the tenant's workers by handle. Two statements. Raises BadLimit and BadCursor."""
    require_limit(limit)
    statement = select(*(WORKER.c[name] for name in COLUMNS)).where(WORKER.c.tenant_id == tenant_id)
    if kind is not None:
        statement = statement.where(WORKER.c.kind == kind.value)
    if after is not None:
        statement = statement.where(WORKER.c.handle > place_of(after, Text)[0])
    found = await connection.execute(statement.order_by(WORKER.c.handle).limit(limit + 1))
    rows = found.mappings().all()
    holds = await _holds(connection, tenant_id, [row["id"] for row in rows])
    return page(
        [WorkerRow(**row, holds=holds[row["id"]]) for row in rows], limit, lambda row: (row.handle,)
    )


async def completions(
    connection: AsyncConnection,
    tenant_id: UUID,
    worker_id: UUID,
    since: datetime,
    *,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[TaskRow]:
    """What the worker completed in the week from `since` on, the latest first. One statement.

    Raises BadLimit and BadCursor.
    """
    require_limit(limit)
    statement = rows_and().where(
        TASK.c.tenant_id == tenant_id,
        TASK.c.assignee_id == worker_id,
        TASK.c.completed_at >= since,
        TASK.c.completed_at < since + WEEK,
    )
    if after is not None:
        last = place_of(after, AwareDatetime, UUID)
        statement = statement.where(tuple_(TASK.c.completed_at, TASK.c.id) < tuple_(*last))
    ordered = statement.order_by(TASK.c.completed_at.desc(), TASK.c.id.desc())
    found = await connection.execute(ordered.limit(limit + 1))
    return page([task_row(row) for row in found], limit, lambda row: (row.completed_at, row.id))


async def _holds(
    connection: AsyncConnection, tenant_id: UUID, workers: Collection[UUID]
) -> dict[UUID, list[HeldTask]]:
    its_task = and_(TASK.c.tenant_id == LEASE.c.tenant_id, TASK.c.id == LEASE.c.task_id)
    found = await connection.execute(
        select(LEASE.c.holder_id, TASK.c.id, TASK.c.title, LEASE.c.expires_at)
        .select_from(LEASE.join(TASK, its_task))
        .where(LEASE.c.tenant_id == tenant_id, LEASE.c.holder_id.in_(workers))
        .order_by(LEASE.c.expires_at, TASK.c.id)
    )
    holds: dict[UUID, list[HeldTask]] = defaultdict(list)
    for row in found:
        holds[row.holder_id].append(HeldTask(row.id, row.title, row.expires_at))
    return holds
