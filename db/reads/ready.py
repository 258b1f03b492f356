"""What a worker could be given now, in the order in which dispatch gives it: one statement."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, literal_column, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Member as MemberTable
from db.models import Project as ProjectTable
from db.models import Worker as WorkerTable
from db.reads.paging import PAGE_ROWS, require_limit
from db.reads.task_row import TaskRow, rows_and, task_row
from db.reads.views import TASK

MEMBER, PROJECT = table_of(MemberTable), table_of(ProjectTable)
WORKER = table_of(WorkerTable).alias("asking")


async def ready_tasks(
    connection: AsyncConnection, tenant_id: UUID, worker_id: UUID, *, limit: int = PAGE_ROWS
) -> list[TaskRow]:
    """At most `limit` tasks, best first; none for a worker who is deactivated or unknown.

    Whether the worker has room for one more is not asked. Raises BadLimit.
    """
    require_limit(limit)
    rows = await connection.execute(_statement(tenant_id, worker_id).limit(limit))
    return [task_row(row) for row in rows]


def _statement(tenant_id: UUID, worker_id: UUID) -> Select[Any]:
    return (
        rows_and()
        .join(WORKER, and_(WORKER.c.tenant_id == TASK.c.tenant_id, WORKER.c.id == worker_id))
        .where(
            TASK.c.tenant_id == tenant_id,
            TASK.c.project_id.in_(_projects(tenant_id, worker_id)),
            # As the index has it, also for a plan that is made before the values are known.
            TASK.c.status == literal_column("'pending'"),
            TASK.c.unmet_dependencies == literal_column("0"),
            or_(TASK.c.run_after.is_(None), TASK.c.run_after <= func.clock_timestamp()),
            or_(TASK.c.assignee_id.is_(None), TASK.c.assignee_id == worker_id),
            TASK.c.required_capabilities.contained_by(WORKER.c.capabilities),
            WORKER.c.deactivated_at.is_(None),
        )
        .order_by(
            TASK.c.priority_rank.desc(),
            TASK.c.due_at.asc().nulls_last(),
            TASK.c.created_at,
            TASK.c.id,
        )
    )


def _projects(tenant_id: UUID, worker_id: UUID) -> Select[Any]:
    of_project = and_(
        PROJECT.c.tenant_id == MEMBER.c.tenant_id, PROJECT.c.id == MEMBER.c.project_id
    )
    return (
        MEMBER.join(PROJECT, of_project)
        .select()
        .with_only_columns(MEMBER.c.project_id)
        .where(
            MEMBER.c.tenant_id == tenant_id,
            MEMBER.c.worker_id == worker_id,
            PROJECT.c.status == "active",
        )
    )
