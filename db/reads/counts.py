"""How many tasks there are, counted by the database: one statement."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.views import TASK
from jobs.entities import TaskStatus

Counts = dict[TaskStatus, int]


async def counts_by_status(
    connection: AsyncConnection, tenant_id: UUID, project_id: UUID | None = None
) -> dict[UUID, Counts]:
    """By project, and there by every status, how many live tasks it has.

    Projects without tasks are left out; with `project_id` there is that project or nothing.
    """
    statement = (
        select(TASK.c.project_id, TASK.c.status, func.count().label("number"))
        .where(TASK.c.tenant_id == tenant_id)
        .group_by(TASK.c.project_id, TASK.c.status)
    )
    if project_id is not None:
        statement = statement.where(TASK.c.project_id == project_id)
    counted: dict[UUID, Counts] = {}
    for row in await connection.execute(statement):
        counts = counted.setdefault(row.project_id, dict.fromkeys(TaskStatus, 0))
        counts[TaskStatus(row.status)] = row.number
    return counted
