"""Revisions can be applied, taken back and applied again, and leave nothing unsaid."""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db import migrate
from tests.databases import Database
from tests.planting import plant

ROOT = Path(__file__).parents[2]
OBJECTS = text("""
    SELECT relname FROM pg_class WHERE relnamespace = 'taskrail'::regnamespace AND relkind = 'r'
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'taskrail'::regnamespace
""")
RIGHTS = text("""
    SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'taskrail'::regnamespace
    UNION ALL SELECT attrelid::regclass || '.' || attname, attacl::text FROM pg_attribute
    WHERE attacl IS NOT NULL AND attrelid::regclass::text LIKE 'taskrail.%'
    UNION ALL SELECT proname, proacl::text FROM pg_proc
    WHERE pronamespace = 'taskrail'::regnamespace
    UNION ALL SELECT polrelid::regclass || ' ' || polname, polroles::regrole[]::text
    FROM pg_policy
""")


async def described(engine: AsyncEngine) -> list[tuple[str, ...]]:
    async with engine.connect() as connection:
        rows = await connection.execute(RIGHTS)
        return sorted(tuple(str(value) for value in row) for row in rows)


async def test_a_prepared_database_is_at_the_newest_revision(database: Database) -> None:
    assert await migrate.current(database.engine("owner")) == migrate.head() is not None


async def test_the_models_ask_for_no_further_migration(database: Database) -> None:
    assert await migrate.check(database.engine("owner")) is None


async def test_going_back_leaves_nothing_but_the_version_table(database: Database) -> None:
    owner = database.engine("owner")

    await migrate.downgrade(owner, "base")

    assert await migrate.current(owner) is None
    async with database.superuser.connect() as connection:
        assert set(await connection.scalars(OBJECTS)) == {"alembic_version"}


async def test_back_and_forth_gives_the_same_tables_rights_and_policies(
    database: Database,
) -> None:
    owner = database.engine("owner")
    before = await described(database.superuser)

    await migrate.downgrade(owner, "base")
    await migrate.upgrade(owner)

    assert await described(database.superuser) == before
    assert await migrate.check(owner) is None


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    owner = database.engine("owner")
    async with database.superuser.begin() as connection:
        await plant(connection)

    await migrate.upgrade(owner)

    async with owner.connect() as connection:
        tasks = await connection.scalar(text("SELECT count(*) FROM taskrail.task"))
    assert tasks == 2


async def test_the_statements_can_be_printed_without_a_database() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alembic", "upgrade", "head", "--sql",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()

    assert process.returncode == 0, error.decode()
    script = out.decode()
    assert script.index("SET ROLE taskrail_owner") < script.index("CREATE TABLE taskrail.tenant")
    assert "CREATE FUNCTION taskrail.record" in script
    assert "\\:" not in script
