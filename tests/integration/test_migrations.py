"""Revisions can be applied, taken back and applied again, and leave nothing unsaid."""

import asyncio
import os
import re
import sys

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db import migrate
from ops.checkout import CHECKOUT
from tests.databases import Database
from tests.planting import plant
from tests.waiting import until

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

NOT_VALID = "ALTER TABLE taskrail.task ADD CONSTRAINT ck_trial CHECK (title <> '') NOT VALID"
UNVALIDATED = "SELECT conname FROM pg_constraint WHERE NOT convalidated"


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


async def test_a_migration_gives_way_to_a_worker_and_is_tried_again(database: Database) -> None:
    async with database.superuser.connect() as observer:

        async def waiting() -> bool:
            return bool(
                await observer.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            )

        async def resting() -> bool:
            return not await waiting()

        async with database.superuser.connect() as worker:
            await worker.execute(text("SELECT FROM taskrail.task"))
            going_back = asyncio.create_task(migrate.downgrade(database.engine("owner"), "base"))
            await until(waiting)
            await until(resting)
            assert not going_back.done()
        await going_back

    assert await migrate.current(database.engine("owner")) is None


async def test_tables_that_stay_locked_are_said_to_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "PATIENCE_SECONDS", 0)
    async with database.superuser.connect() as worker:
        await worker.execute(text("SELECT FROM taskrail.task"))

        with pytest.raises(TimeoutError, match="others kept the tables locked"):
            await migrate.downgrade(database.engine("owner"), "base")

    assert await migrate.current(database.engine("owner")) == migrate.head()


def test_no_check_is_added_to_a_table_by_reading_it() -> None:
    folder = CHECKOUT / "migrations" / "sql"
    added = [
        (file.name, check)
        for file in sorted(folder.glob("*.sql"))
        for check in re.findall(r"ADD CONSTRAINT[^;]*;", file.read_text())
    ]

    assert [check for check in added if not check[1].endswith("NOT VALID;")] == []
    assert len(added) >= 5


async def test_checks_are_validated_afterwards_while_others_write(database: Database) -> None:
    owner = database.engine("owner")
    async with database.superuser.begin() as connection:
        await connection.execute(text(NOT_VALID))

    async with database.superuser.connect() as worker:
        await worker.execute(text("UPDATE taskrail.task SET title = 'Another'"))
        await migrate.upgrade(owner)

    async with database.superuser.connect() as connection:
        assert list(await connection.scalars(text(UNVALIDATED))) == []


async def test_two_who_migrate_at_once_do_it_once(database: Database) -> None:
    await migrate.downgrade(database.engine("owner"), "base")
    url = database.settings.resolved_database_url.get_secret_value()

    ended = await asyncio.gather(*(alembic("upgrade", "head", url=url) for _ in range(2)))

    assert [code for code, _, _ in ended] == [0, 0], ended
    assert await migrate.current(database.engine("owner")) == migrate.head()


async def test_a_revision_may_leave_its_transaction(database: Database) -> None:
    def build(config: Config) -> None:
        script = ScriptDirectory.from_config(config)

        def outside(_: object, context: MigrationContext) -> list[object]:
            with context.autocommit_block():
                context.execute("CREATE INDEX CONCURRENTLY ix_trial ON taskrail.task (title)")
            return []

        with EnvironmentContext(config, script, fn=outside):
            script.run_env()

    await migrate._run(database.engine("owner"), build)  # noqa: SLF001

    async with database.superuser.connect() as connection:
        assert await connection.scalar(text("SELECT to_regclass('taskrail.ix_trial')::text"))


async def test_the_statements_can_be_printed_without_a_database() -> None:
    code, script, error = await alembic("upgrade", "head", "--sql")

    assert code == 0, error
    assert script.index("SET ROLE taskrail_owner") < script.index("CREATE TABLE taskrail.tenant")
    assert "CREATE FUNCTION taskrail.record" in script
    assert "\\:" not in script
    assert "%%" not in script


async def alembic(*arguments: str, url: str | None = None) -> tuple[int | None, str, str]:
    """Exit code, stdout and stderr of Alembic's own command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alembic", *arguments,
        cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | ({"TASKRAIL_DATABASE_URL": url} if url else {}),
    )  # fmt: skip
    out, error = await process.communicate()
    return process.returncode, out.decode(), error.decode()
