"""Tenants, as the command line makes and finds them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from ops.failure import CommandFailed

INSERT = text("""
    INSERT INTO taskrail.tenant (id, slug, name) VALUES (:id, :slug, :name)
    ON CONFLICT (slug) DO NOTHING
    RETURNING id, slug, name, created_at, suspended_at
""")
LIST = text("SELECT id, slug, name, created_at, suspended_at FROM taskrail.tenant ORDER BY slug")
FIND = text("SELECT id FROM taskrail.tenant WHERE slug = :slug")


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None


async def create(owner: AsyncEngine, slug: str, name: str) -> Tenant | None:
    """The new tenant; None where the slug is taken."""
    async with owner.begin() as connection:
        given = {"id": uuid7(), "slug": slug, "name": name}
        row = (await connection.execute(INSERT, given)).one_or_none()
    return None if row is None else Tenant(*row)


async def find_all(reader: AsyncEngine) -> list[Tenant]:
    async with reader.connect() as connection:
        return [Tenant(*row) for row in await connection.execute(LIST)]


async def find(reader: AsyncEngine, slug: str) -> UUID:
    """The id of the tenant with this slug; without one the command ends."""
    async with reader.connect() as connection:
        found: UUID | None = (await connection.execute(FIND, {"slug": slug})).scalar_one_or_none()
    if found is None:
        raise CommandFailed(
            f"No tenant {slug}",
            "nobody has created it in this database",
            f"`taskrail tenants create {slug}` does; `taskrail tenants list` shows the others.",
        )
    return found
