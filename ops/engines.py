"""Engines for commands: opened for one purpose, in one role, and closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import Role, create_engine
from settings import Settings

PATIENCE_SECONDS = 3600


@asynccontextmanager
async def opened(settings: Settings, role: Role) -> AsyncIterator[AsyncEngine]:
    """An engine in this role, while the block runs."""
    engine = create_engine(settings, role)
    try:
        yield engine
    finally:
        await engine.dispose()


def patient(settings: Settings) -> Settings:
    """The same, for statements that may take an hour: migrations and whole-table checks."""
    limits = {"statement_timeout_ms": PATIENCE_SECONDS * 1000}
    return settings.model_copy(update=limits | {"command_timeout_seconds": PATIENCE_SECONDS + 1})
