"""What a role of the database has no right to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

NOT_ALLOWED, READ_ONLY = "42501", "25006"


async def refused(engine: AsyncEngine, statements: Sequence[str]) -> list[str]:
    """Those that the role has no right to, or for which its transactions are read-only."""
    async with engine.connect() as connection:
        return [
            statement
            for statement in statements
            if await sqlstate(connection, statement) in {NOT_ALLOWED, READ_ONLY}
        ]


async def sqlstate(connection: AsyncConnection, statement: str) -> str | None:
    savepoint = await connection.begin_nested()
    try:
        await connection.execute(text(statement))
    except DBAPIError as error:
        cause: Any = error.orig
        return str(cause.sqlstate)
    finally:
        await savepoint.rollback()
    return None
