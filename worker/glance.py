"""Looking without a transaction: asked all the time by every worker, so it must cost little."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, TextClause
from sqlalchemy.ext.asyncio import AsyncEngine

from db.conflicts import translated


async def glance(keeper: AsyncEngine, query: TextClause, **binds: Any) -> Sequence[Row[Any]]:
    """The query's rows as they are at this moment: one round trip."""
    with translated():
        engine = keeper.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            return (await connection.execute(query, binds)).all()


async def is_any(keeper: AsyncEngine, query: TextClause, **binds: Any) -> bool:
    """Whether the query finds a row."""
    return bool(await glance(keeper, query, **binds))
