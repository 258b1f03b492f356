"""Workers by the handle that people know them by."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ops.failure import CommandFailed

FIND = text("SELECT id FROM taskrail.worker WHERE tenant_id = :tenant_id AND handle = :handle")


async def worker_id(reader: AsyncEngine, tenant_id: UUID, actor: str | None) -> UUID | None:
    """The id of the worker that is named by id or @handle; None for nobody."""
    if actor is None:
        return None
    if not actor.startswith("@"):
        return _parsed(actor)
    async with reader.connect() as connection:
        given = {"tenant_id": tenant_id, "handle": actor}
        found: UUID | None = (await connection.execute(FIND, given)).scalar_one_or_none()
    if found is None:
        raise CommandFailed(
            f"No worker {actor}",
            "the tenant has none of this handle",
            "register it first (worker.register), or correct --actor.",
        )
    return found


def _parsed(actor: str) -> UUID:
    try:
        return UUID(actor)
    except ValueError:
        raise CommandFailed(
            f"No worker {actor}", "it is neither a UUID nor an @handle", "correct --actor."
        ) from None
