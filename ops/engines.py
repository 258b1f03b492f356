"""Engines for commands: opened for one purpose, in one role, and closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import Role, create_engine
from settings import Settings


@asynccontextmanager
async def opened(settings: Settings, role: Role) -> AsyncIterator[AsyncEngine]:
    """An engine in this role, while the block runs."""
    engine = create_engine(settings, role)
    try:
        yield engine
    finally:
        await engine.dispose()
