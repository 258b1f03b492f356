"""What has to be in a new database before a job can be applied: roles, schema, a tenant."""

from db.migrate import upgrade
from db.roles import ensure_roles
from ops.engines import opened
from ops.tenants import create
from settings import Settings

DEMO = "demo"


async def prepare(settings: Settings) -> None:
    """Roles and schema are there, up to date, and so is the tenant `demo`. May be repeated."""
    await make_roles(settings)
    async with opened(settings, "owner") as owner:
        await upgrade(owner)
        await create(owner, DEMO, "Demo")


async def make_roles(settings: Settings) -> None:
    """The five roles exist and the login of the URL belongs to them."""
    async with opened(settings, "login") as login, login.begin() as connection:
        await ensure_roles(connection)
