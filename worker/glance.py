"""Looking: done all the time by every worker, so it must cost little."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncEngine

from db.conflicts import translated
from db.driver import Driver


async def glance(keeper: AsyncEngine, query: TextClause, **binds: Any) -> list[Sequence[Any]]:
    """What the query finds.

    Of a server that was restarted each connection that is left fails once: SQLAlchemy, which would
    drop them all at the first, does not hear of it.
    """
    with translated():
        async with keeper.connect() as connection:
            return await (await Driver.of(connection)).glance(query, binds)


async def is_any(keeper: AsyncEngine, query: TextClause, **binds: Any) -> bool:
    """Whether the query finds a row."""
    return bool(await glance(keeper, query, **binds))
