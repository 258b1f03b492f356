"""A tenant's rows, read behind the product's back, as a board that can be pictured."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.arrays import entity_columns, table_of
from db.models import Dependency as DependencyRow
from db.models import Lease as LeaseRow
from db.models import Member as MemberRow
from db.models import Project as ProjectRow
from db.models import Task as TaskRow
from db.models import Worker as WorkerRow
from jobs.board import Board
from jobs.entities import Dependency, Lease, Member, Project, Tally, Task, Worker
from tests.unit.rules.world import NOON

COUNTERS = text("""
    SELECT p.tenant_id, p.id AS project_id,
        p.task_count + coalesce(sum(t.tasks), 0)::int AS tasks,
        p.completed_count + coalesce(sum(t.completed), 0)::int AS completed,
        p.used_attempts + coalesce(sum(t.attempts), 0)::int AS attempts,
        p.used_tokens + coalesce(sum(t.tokens), 0)::int AS tokens,
        p.used_money_micros + coalesce(sum(t.money_micros), 0)::int AS money_micros,
        p.used_wall_seconds + coalesce(sum(t.wall_seconds), 0)::int AS wall_seconds
    FROM taskrail.project p
    LEFT JOIN taskrail.tally t ON t.tenant_id = p.tenant_id AND t.project_id = p.id
    WHERE p.tenant_id = :tenant_id
    GROUP BY p.tenant_id, p.id
""")


async def read_board(superuser: AsyncEngine, tenant_id: UUID) -> Board:
    """Everything but comments, events and jobs."""
    async with superuser.connect() as connection:
        board = Board(NOON)
        for model, entity, rows in (
            (ProjectRow, Project, board.projects),
            (WorkerRow, Worker, board.workers),
            (MemberRow, Member, board.members),
            (TaskRow, Task, board.tasks),
            (LeaseRow, Lease, board.leases),
            (DependencyRow, Dependency, board.dependencies),
        ):
            await _read(connection, tenant_id, model, entity, rows)
        counters = await connection.execute(COUNTERS, {"tenant_id": tenant_id})
        board.tally = {tally.key: tally for tally in (Tally(*row) for row in counters)}
    return board


async def _read(
    connection: AsyncConnection, tenant_id: UUID, model: Any, entity: Any, rows: dict[Any, Any]
) -> None:
    table = table_of(model)
    columns = entity_columns(table, entity)
    found = await connection.execute(select(*columns).where(table.c.tenant_id == tenant_id))
    names = [field.name for field in fields(entity)]
    for row in found:
        one = entity(**dict(zip(names, row, strict=True)))
        rows[one.key] = one
