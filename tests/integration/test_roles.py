"""The roles can be made by anybody who may make roles, and as often as one likes."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url

from db import migrate
from db.engine import Role, create_engine
from db.roles import ROLES, ensure_roles
from settings import Settings
from tests.databases import Database, administer, named

LOGIN = f"boss_{uuid4().hex}"


@pytest.fixture
async def plain(servers: Settings, template: str) -> AsyncIterator[Database]:
    """An empty database of a login that may create roles and is no superuser.

    The roles exist in the cluster already; so that this login may grant them, it administers them.
    """
    assert template
    name = f"test_{uuid4().hex}"
    granted = (f"GRANT taskrail_{role} TO {LOGIN} WITH ADMIN TRUE, SET FALSE" for role in ROLES)
    await administer(
        servers,
        f"CREATE ROLE {LOGIN} LOGIN CREATEROLE",
        f"CREATE DATABASE {name} OWNER {LOGIN}",
        *granted,
    )
    url = make_url(named(servers, name).resolved_database_url.get_secret_value())
    as_login = SecretStr(url.set(username=LOGIN).render_as_string(hide_password=False))
    database = Database(servers.model_copy(update={"database_url": as_login}))
    yield database
    await database.dispose()
    await administer(servers, f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {LOGIN}")


async def test_a_login_that_is_no_superuser_can_prepare_and_act(plain: Database) -> None:
    """Since PostgreSQL 16 who creates a role may grant it, but not act as it."""
    async with plain.superuser.begin() as connection:
        assert await connection.scalar(text("SELECT current_setting('is_superuser')")) == "off"
        await ensure_roles(connection)

    await migrate.upgrade(plain.engine("owner"))

    acting: list[Role] = ["owner", "worker", "keeper", "reader", "producer"]
    for role in acting:
        async with plain.engine(role).connect() as connection:
            assert await connection.scalar(text("SELECT current_user")) == f"taskrail_{role}"


async def test_roles_may_be_made_again(database: Database) -> None:
    for _ in range(2):
        async with database.superuser.begin() as connection:
            await ensure_roles(connection)


async def test_no_role_can_log_in_or_see_past_row_level_security(database: Database) -> None:
    async with database.superuser.connect() as connection:
        rows = await connection.execute(
            text("""
                SELECT rolname, rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole AS mighty
                FROM pg_roles WHERE rolname LIKE 'taskrail\\_%'
            """)
        )
        roles = {row.rolname: row.mighty for row in rows}

    assert roles == {f"taskrail_{name}": False for name in ROLES}


async def test_the_owner_owns_the_schema_and_all_that_is_in_it(database: Database) -> None:
    async with database.superuser.connect() as connection:
        owners = await connection.scalars(
            text("""
                SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'taskrail'
                UNION SELECT relowner::regrole::text FROM pg_class
                WHERE relnamespace = 'taskrail'::regnamespace
                UNION SELECT proowner::regrole::text FROM pg_proc
                WHERE pronamespace = 'taskrail'::regnamespace
            """)
        )

    assert set(owners) == {"taskrail_owner"}


async def test_an_engine_of_a_login_that_is_no_member_is_refused(
    plain: Database, servers: Settings
) -> None:
    stranger = f"stranger_{uuid4().hex}"
    await administer(servers, f"CREATE ROLE {stranger} LOGIN")
    url = make_url(plain.settings.resolved_database_url.get_secret_value()).set(username=stranger)
    settings = plain.settings.model_copy(
        update={"database_url": SecretStr(url.render_as_string(hide_password=False))}
    )
    engine = create_engine(settings, "worker")

    with pytest.raises(Exception, match="permission denied to set role"):
        await engine.connect()

    await engine.dispose()
    await administer(servers, f"DROP ROLE {stranger}")
