"""A fresh, migrated database for each test: a clone of one template, marked as made by tests."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import Role, create_engine
from ops.engines import patient
from ops.preparation import prepare
from settings import Settings
from worker.runtime import Runtime
from worker.signals import Signal

MARK = "made by the tests of taskrail"
TEMPLATE = "taskrail_template"


@dataclass(slots=True)
class Database:
    """One test's database. Engines are opened when asked for, one a role.

    Who only looks, or stands in the way, is not hurried: on a busy machine that takes long.
    """

    settings: Settings
    _engines: dict[str, AsyncEngine] = field(default_factory=dict)

    def engine(self, role: Role) -> AsyncEngine:
        if role not in self._engines:
            is_ours = role in {"login", "reader"}
            settings = patient(self.settings) if is_ours else self.settings
            self._engines[role] = create_engine(settings, role)
        return self._engines[role]

    @property
    def superuser(self) -> AsyncEngine:
        """Looks behind the product's back."""
        return self.engine("login")

    async def dispose(self) -> None:
        for engine in self._engines.values():
            await engine.dispose()


async def require_own(database: Database) -> None:
    """Raises RuntimeError unless the tests made this database."""
    async with database.superuser.connect() as connection:
        mark = await connection.scalar(
            text(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
                " WHERE datname = current_database()"
            )
        )
    if mark != MARK:
        raise RuntimeError("this database was not made by the tests: nothing is run on it")


async def administer(servers: Settings, *statements: str) -> None:
    """Runs statements about whole databases, which no transaction may contain."""
    engine = create_engine(named(servers, "postgres"), "login")
    async with engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await alone.execute(text(statement))
    await engine.dispose()


def named(servers: Settings, database: str) -> Settings:
    """The settings for another database of the same server."""
    url = make_url(servers.resolved_database_url.get_secret_value()).set(database=database)
    return servers.model_copy(
        update={"database_url": SecretStr(url.render_as_string(hide_password=False))}
    )


@pytest.fixture(scope="session")
async def template(servers: Settings) -> str:
    """A migrated database that is only ever copied."""
    await administer(servers, f"CREATE DATABASE {TEMPLATE}")
    await prepare(named(servers, TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def database(servers: Settings, template: str) -> AsyncIterator[Database]:
    """A database of this test's own, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    await administer(
        servers,
        f"CREATE DATABASE {name} TEMPLATE {template}",
        f"COMMENT ON DATABASE {name} IS '{MARK}'",
    )
    database = Database(named(servers, name))
    await require_own(database)
    yield database
    await database.dispose()
    await administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def signals() -> list[Signal]:
    """What the runtime of this test emitted."""
    return []


@pytest.fixture
async def runtime(database: Database, signals: list[Signal]) -> AsyncIterator[Runtime]:
    """The engine's surroundings on this test's database; Redis is a fake and incidental."""
    redis = ArqRedis(connection_pool=FakeAsyncRedis().connection_pool)
    yield Runtime(
        settings=database.settings,
        engine=database.engine("worker"),
        keeper=database.engine("keeper"),
        redis=redis,
        emit=signals.append,
    )
    await redis.aclose()
