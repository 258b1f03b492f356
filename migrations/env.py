"""Alembic's entry: on the connection that db/migrate.py gives, on one of its own, or offline."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, text

from db.engine import create_engine
from db.models import metadata
from db.models.base import SCHEMA
from settings import load_settings

LOCK_TIMEOUT = "100ms"
"""A migration gives way to live workers and is tried again, rather than queue them up behind it."""
MIGRATING = 7_162_020
"""Advisory lock: who comes second finds the work of the first done, not half of it."""
VALIDATE = """
    DO $$
    DECLARE
        one record;
    BEGIN
        FOR one IN
            SELECT CAST(conrelid AS regclass) AS place, conname FROM pg_constraint
            WHERE NOT convalidated AND connamespace = to_regnamespace('taskrail')
        LOOP
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', one.place, one.conname);
        END LOOP;
    END $$
"""
"""Revisions add a CHECK as NOT VALID, which reads no row: a migration's lock shuts everybody out.

Rows are read afterwards, in a transaction of its own, whose lock lets workers read and write.
"""


def configure(**where: Any) -> None:
    context.configure(
        target_metadata=metadata,
        include_schemas=True,
        include_name=lambda name, kind, _: kind != "schema" or name == SCHEMA,
        version_table_schema=SCHEMA,
        compare_server_default=True,
        **where,
    )


def migrate(connection: Connection) -> None:
    """Alembic begins and commits, so a revision may leave the transaction (autocommit_block)."""
    configure(connection=connection)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()
    with connection.begin():
        connection.execute(text(VALIDATE))


async def migrate_online() -> None:
    engine = create_engine(load_settings(), "owner")
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


def migrate_offline() -> None:
    """Prints the statements; run them as a member of taskrail_owner."""
    # The style of parameters that leaves percent signs as they are.
    configure(dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, literal_binds=True)
    with context.begin_transaction():
        context.execute("SET ROLE taskrail_owner")
        context.run_migrations()
    with context.begin_transaction():
        context.execute(VALIDATE)


if context.is_offline_mode():
    migrate_offline()
elif "connection" in context.config.attributes:
    migrate(context.config.attributes["connection"])
else:
    asyncio.run(migrate_online())
