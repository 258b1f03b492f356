"""What comes by itself when its time has come: reminders, and the next occurrences."""

import asyncio
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ops.failure import CommandFailed

PATIENCE_SECONDS, LOOK_AGAIN_SECONDS = 30.0, 0.1
EXPECTED = frozenset({"task.recur", "task.remind"})

MADE_BY_THE_SYSTEM = text("""
    SELECT DISTINCT t.project_id, j.kind
    FROM taskrail.task t
    JOIN taskrail.event e ON e.tenant_id = t.tenant_id AND e.entity_id = t.id
    JOIN taskrail.job j ON j.tenant_id = e.tenant_id AND j.id = e.job_id
    WHERE t.tenant_id = :tenant_id AND t.project_id = ANY(:projects)
      AND e.actor_id IS NULL AND j.status = 'applied'
""").bindparams(bindparam("tenant_id", type_=Uuid()), bindparam("projects", type_=ARRAY(Uuid())))


async def system_has_come(reader: AsyncEngine, tenant_id: UUID, projects: Collection[UUID]) -> None:
    """Returns when the system has reminded and repeated in each of these projects."""
    wanted = {(project, kind) for project in projects for kind in EXPECTED}
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted <= await _seen(reader, tenant_id, projects):  # noqa: ASYNC110 - loops of other processes make it come
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise CommandFailed(
            "The demo was given up",
            f"nobody was reminded of what is due within {PATIENCE_SECONDS:g} s",
            "run `taskrail worker` to see what keeps the loops beside the queue.",
        ) from None


async def _seen(
    reader: AsyncEngine, tenant_id: UUID, projects: Collection[UUID]
) -> set[tuple[UUID, str]]:
    async with reader.connect() as connection:
        rows = await connection.execute(
            MADE_BY_THE_SYSTEM, {"tenant_id": tenant_id, "projects": list(projects)}
        )
        return {(row.project_id, row.kind) for row in rows}
