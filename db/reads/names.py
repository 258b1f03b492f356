"""Ids of what people call by name."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Project as ProjectTable
from db.models import Worker as WorkerTable

PROJECT, WORKER = table_of(ProjectTable), table_of(WorkerTable)


async def project_called(connection: AsyncConnection, tenant_id: UUID, slug: str) -> UUID | None:
    """The live project of this slug."""
    statement = select(PROJECT.c.id).where(
        PROJECT.c.tenant_id == tenant_id, PROJECT.c.slug == slug, PROJECT.c.deleted_at.is_(None)
    )
    found: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return found


async def worker_called(connection: AsyncConnection, tenant_id: UUID, handle: str) -> UUID | None:
    statement = select(WORKER.c.id).where(
        WORKER.c.tenant_id == tenant_id, WORKER.c.handle == handle
    )
    found: UUID | None = (await connection.execute(statement)).scalar_one_or_none()
    return found
