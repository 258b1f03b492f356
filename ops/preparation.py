"""What has to be in a new database before a job can be applied: roles, schema, a tenant."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.roles import ROLES, ensure_roles
from ops.engines import opened, patient
from ops.tenants import create
from settings import Settings

DEMO = "demo"
PREPARATION_SECONDS, LOOK_SECONDS = 60.0, 0.05
SCHEMA = text("SELECT to_regclass('taskrail.tenant')::text")
TENANT = text("SELECT id FROM taskrail.tenant WHERE slug = :slug")
MISSING = text("""
    SELECT wanted
    FROM unnest(CAST(:roles AS text[])) AS wanted
    LEFT JOIN pg_roles ON rolname = wanted
    WHERE rolname IS NULL OR NOT pg_has_role(current_user, oid, 'MEMBER')
    UNION ALL
    SELECT 'schema taskrail' WHERE to_regnamespace('taskrail') IS NULL
    UNION ALL
    SELECT 'extension pg_trgm' WHERE NOT EXISTS (
        SELECT FROM pg_extension WHERE extname = 'pg_trgm'
    )
""")


async def prepare(settings: Settings) -> None:
    """Roles and schema are there, up to date, and so is the tenant `demo`. May be repeated."""
    await migrate(settings, "head")
    async with opened(settings, "owner") as owner:
        await create(owner, DEMO, "Demo")


async def await_prepared(settings: Settings) -> None:
    """Returns when whoever runs our own servers has prepared them; TimeoutError in a minute."""
    async with opened(settings, "login") as login, asyncio.timeout(PREPARATION_SECONDS):
        while not await _is_prepared(login):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(LOOK_SECONDS)


async def _is_prepared(login: AsyncEngine) -> bool:
    """The tenant is the last thing that is made."""
    async with login.connect() as connection:
        if (await connection.execute(SCHEMA)).scalar_one() is None:
            return False
        found = await connection.execute(TENANT, {"slug": DEMO})
        return found.scalar_one_or_none() is not None


async def migrate(settings: Settings, revision: str) -> None:
    """The schema is at `revision`; what is missing of roles is made, which takes a right."""
    from db.migrate import upgrade  # noqa: PLC0415 - only those wait for alembic who need it

    async with opened(settings, "login") as login, login.begin() as connection:
        if await missing_roles(connection):
            await ensure_roles(connection)
    async with opened(patient(settings), "owner") as owner:
        await upgrade(owner, revision)


async def make_roles(settings: Settings) -> None:
    """The roles exist and the login of the URL belongs to them."""
    async with opened(settings, "login") as login, login.begin() as connection:
        await ensure_roles(connection)


async def missing_roles(connection: AsyncConnection) -> list[str]:
    """Roles that the login does not belong to; schema and extension where they are not there."""
    roles = [f"taskrail_{name}" for name in ROLES]
    return list((await connection.execute(MISSING, {"roles": roles})).scalars())
