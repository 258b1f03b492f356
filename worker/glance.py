"""Whether there is anything to do: asked every second by every worker, so it must cost little."""

from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncEngine

from db.conflicts import translated


async def is_any(keeper: AsyncEngine, rows: TextClause, **binds: Any) -> bool:
    """Whether the query finds a row: one round trip, without a transaction."""
    with translated():
        engine = keeper.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            return (await connection.execute(rows, binds)).first() is not None
