"""The schema is this checkout's, and the pools fit the server."""

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import check_pool_arithmetic
from db.migrate import current, head
from ops.doctor.finding import Finding, judged
from settings import Settings


async def schema(owner: AsyncEngine, settings: Settings) -> list[Finding]:
    return [await _revision(owner), await _pools(owner, settings)]


async def _revision(owner: AsyncEngine) -> Finding:
    here, newest = await current(owner), head()
    return judged(
        "schema",
        f"at {here or 'nothing'}, newest is {newest}",
        "run `taskrail migrate upgrade`.",
        sound=here == newest,
    )


async def _pools(owner: AsyncEngine, settings: Settings) -> Finding:
    async with owner.connect() as connection:
        wrong = await check_pool_arithmetic(connection, settings)
    return judged(
        "connection pools",
        wrong or f"{settings.processes} worker processes fit max_connections",
        "otherwise connections are refused under load.",
        sound=wrong is None,
        level="warning",
    )
