"""A transaction of a worker's that does not end is ended, whatever its process is doing."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import STATEMENTS_A_TRANSACTION, create_engine
from db.unit_of_work import unit_of_work
from jobs.errors import StoreUnavailable
from tests.databases import Database
from tests.failing import failure

SHORT_MS = 500
NAP = text("SELECT pg_sleep(0.25)")
ENDLESS = text("""
    SELECT set_config(name, '0', true)
    FROM unnest(ARRAY['statement_timeout', 'idle_in_transaction_session_timeout']) AS name
""")


async def test_a_transaction_is_ended_when_it_has_taken_too_long(database: Database) -> None:
    settings = database.settings.model_copy(
        update={"lock_timeout_ms": SHORT_MS // 2, "statement_timeout_ms": SHORT_MS}
    )
    engine = create_engine(settings, "worker")

    ended = await failure(_many_short_statements(engine))

    assert isinstance(ended, StoreUnavailable)
    async with unit_of_work(engine) as uow:
        assert await uow.clock()
    await engine.dispose()


async def _many_short_statements(engine: AsyncEngine) -> None:
    """None of them is long, and the transaction is never idle; nor would that end it here."""
    async with engine.connect() as connection:
        await connection.execute(ENDLESS)
        for _ in range(4 * STATEMENTS_A_TRANSACTION):
            await connection.execute(NAP)
