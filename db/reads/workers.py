"""Workers and what they hold, and what they have completed."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import ARRAY, Uuid, bindparam, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.paging import PAGE_ROWS, Page, page, place_of, require_limit
from db.reads.task_row import TaskRow, rows_and, task_row
from db.reads.views import TASK, WORKER
from jobs.entities import WorkerKind
from jobs.values import Text

HOLDS = text("""
    SELECT holder.id AS holder_id, task.id, task.title, held.expires_at
    FROM unnest(CAST(:workers AS uuid[])) AS holder(id)
    CROSS JOIN LATERAL (
        SELECT lease.task_id, lease.expires_at
        FROM taskrail.lease
        WHERE lease.tenant_id = :tenant_id AND lease.holder_id = holder.id
        ORDER BY lease.expires_at, lease.task_id
        LIMIT 10
    ) AS held
    JOIN taskrail.task_v1 task ON task.tenant_id = :tenant_id AND task.id = held.task_id
    ORDER BY held.expires_at, task.id
""").bindparams(bindparam("workers", type_=ARRAY(Uuid())))
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class HeldTask:
    id: UUID
    title: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """`held_tasks` counts the leases; `holds` are the ten that expire first."""

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
    found = await connection.execute(HOLDS, {"tenant_id": tenant_id, "workers": list(workers)})
    holds: dict[UUID, list[HeldTask]] = defaultdict(list)
    for row in found:
        holds[row.holder_id].append(HeldTask(row.id, row.title, row.expires_at))
    return holds
