"""One round at a time, whatever the number of workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.conflicts import translated

TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


@asynccontextmanager
async def alone(keeper: AsyncEngine, name: str) -> AsyncIterator[AsyncConnection | None]:
    """A keeper's transaction that nobody else has under this `name`; None if somebody has.

    It commits at the end of the block, unless that raises.
    """
    with translated():
        async with keeper.begin() as connection:
            locked = (await connection.execute(TRY_LOCK, {"name": f"taskrail {name}"})).scalar_one()
            yield connection if locked else None
