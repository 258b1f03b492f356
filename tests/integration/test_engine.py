"""Every connection acts in its role, within its time-outs, and says who it is."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import Role, check_pool_arithmetic, create_engine, create_sessions
from db.models import Project
from tests.databases import Database
from tests.planting import plant

ROLES: list[Role] = ["owner", "worker", "keeper", "reader", "producer"]


async def setting(engine: AsyncEngine, name: str) -> str:
    async with engine.connect() as connection:
        return str(await connection.scalar(text("SELECT current_setting(:name)"), {"name": name}))


@pytest.mark.parametrize("role", ROLES)
async def test_a_connection_acts_in_its_role_and_says_so(database: Database, role: Role) -> None:
    async with database.engine(role).connect() as connection:
        user = await connection.scalar(text("SELECT current_user"))

    assert user == f"taskrail_{role}"
    assert await setting(database.engine(role), "application_name") == f"taskrail {role}"


@pytest.mark.parametrize("role", ROLES)
async def test_the_server_gives_up_before_the_client_does(database: Database, role: Role) -> None:
    engine = create_engine(database.settings, role)

    assert await setting(engine, "lock_timeout") == "2s"
    assert await setting(engine, "statement_timeout") == "5s"
    assert database.settings.command_timeout_seconds > 5
    await engine.dispose()


async def test_only_the_workers_plans_are_pinned(database: Database) -> None:
    for name in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
        assert await setting(database.engine("worker"), name) == "off"
        assert await setting(database.engine("reader"), name) == "on"


async def test_the_reader_cannot_even_try_to_write(database: Database) -> None:
    assert await setting(database.engine("reader"), "transaction_read_only") == "on"


async def test_what_a_prepared_connection_is_told_outlives_a_reset(database: Database) -> None:
    async with database.engine("worker").connect() as connection:
        await connection.execute(text("RESET ALL"))
        user = await connection.scalar(text("SELECT current_user"))

    assert user == "taskrail_worker"


async def test_a_url_of_the_roles_own_wins(database: Database) -> None:
    elsewhere = SecretStr("postgresql://keeper:secret@elsewhere/tasks")
    settings = database.settings.model_copy(update={"keeper_database_url": elsewhere})

    assert create_engine(settings, "keeper").url.host == "elsewhere"
    assert create_engine(settings, "worker").url.host is None


async def test_json_is_stored_as_sent_and_null_is_sqls(database: Database) -> None:
    given = {"when": "€ \n", "number": 2**53 + 1, "none": None, "list": [1.5, True]}
    async with create_sessions(database.superuser)() as session:
        planted = await plant(await session.connection())
        project = await session.get_one(Project, (planted.tenant_id, planted.project_id))
        project.attributes, project.budget = given, None
        await session.flush()
        session.expire_all()
        project = await session.get_one(Project, (planted.tenant_id, planted.project_id))
        nulls = await (await session.connection()).scalar(
            text("SELECT count(*) FROM taskrail.project WHERE budget IS NULL")
        )

    assert project.attributes == given
    assert nulls == 1


async def test_values_do_not_show_in_errors(database: Database) -> None:
    async with database.superuser.connect() as connection:
        with pytest.raises(DBAPIError) as refusal:
            await connection.execute(
                text("SELECT 1 / 0 WHERE CAST(:secret AS text) IS NOT NULL"), {"secret": "canary"}
            )

    assert "canary" not in str(refusal.value)


async def test_behind_a_pooler_nothing_is_kept(database: Database) -> None:
    settings = database.settings.model_copy(update={"external_pooler": True})
    engine = create_engine(settings, "worker")

    async with engine.connect() as connection:
        # PgBouncer refuses start-up settings it does not know, so the URL's login decides.
        user = await connection.scalar(text("SELECT current_user"))
        prepared = await connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))

    assert isinstance(engine.pool, NullPool)
    assert (user, prepared) == ("postgres", 0)
    await engine.dispose()


async def test_more_connections_than_the_server_takes_are_noticed(database: Database) -> None:
    greedy = database.settings.model_copy(update={"processes": 1_000})
    pooled = greedy.model_copy(update={"external_pooler": True})
    async with database.engine("reader").connect() as connection:
        fitting = await check_pool_arithmetic(connection, database.settings)
        too_many = await check_pool_arithmetic(connection, greedy)
        behind_pooler = await check_pool_arithmetic(connection, pooled)

    assert (fitting, behind_pooler) == (None, None)
    assert too_many is not None
    assert "TASKRAIL_PROCESSES" in too_many


async def test_a_root_certificate_is_what_the_server_is_checked_against(
    database: Database, tmp_path: Path
) -> None:
    url = SecretStr(f"postgresql://a@h/d?sslmode=verify-full&sslrootcert={tmp_path}/none.pem")
    engine = create_engine(database.settings.model_copy(update={"database_url": url}), "worker")

    with pytest.raises(FileNotFoundError):
        await engine.connect()


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("work_mem=8MB", "work_mem", "8MB"),
        ("options=-c work_mem=16MB", "work_mem", "16MB"),
        ("channel_binding=prefer&keepalives=1", "application_name", "taskrail reader"),
        ("application_name=x&lock_timeout=0", "lock_timeout", "2s"),
        ("target_session_attrs=read-write&connect_timeout=5", "statement_timeout", "5s"),
    ],
)
async def test_what_else_a_url_says_is_heeded_but_for_what_is_ours(
    database: Database, written: str, name: str, value: str
) -> None:
    url = f"{database.settings.resolved_database_url.get_secret_value()}&{written}"
    settings = database.settings.model_copy(update={"database_url": SecretStr(url)})
    engine = create_engine(settings, "reader")

    assert await setting(engine, name) == value

    await engine.dispose()


async def test_a_misspelt_parameter_of_a_url_is_named(database: Database) -> None:
    url = f"{database.settings.resolved_database_url.get_secret_value()}&wrk_mem=8MB"
    settings = database.settings.model_copy(update={"database_url": SecretStr(url)})
    engine = create_engine(settings, "reader")

    with pytest.raises(DBAPIError, match="wrk_mem"):
        await engine.connect()


async def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up(
    database: Database,
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = SecretStr(f"postgresql://a@127.0.0.1:{port}/d?connect_timeout=0.05")
    engine = create_engine(database.settings.model_copy(update={"database_url": url}), "worker")

    async with server:
        with pytest.raises(TimeoutError):
            await engine.connect()


async def test_an_engine_shows_no_password(database: Database) -> None:
    url = SecretStr("postgresql://ada:canary@db.example/tasks")
    engine = create_engine(database.settings.model_copy(update={"database_url": url}), "worker")

    assert "canary" not in f"{engine!r} {engine.url} {engine.url!r}"
