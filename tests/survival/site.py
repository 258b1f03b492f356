"""Servers of one test alone, which it may break."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from arq.connections import ArqRedis, create_pool

from jobs import codec
from jobs.producer import Producer
from ops.preparation import prepare
from settings import Settings
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.servers import own_servers
from worker.apply import apply
from worker.connection import redis_settings
from worker.runtime import Runtime, close_runtime, open_runtime


@dataclass(frozen=True, slots=True)
class Site:
    """The servers, and one tenant with its people in them."""

    settings: Settings
    database: Database
    redis: ArqRedis
    engine: Engine
    producer: Producer
    cast: Cast

    async def are_settled(self, ids: set[UUID]) -> bool:
        rows = await self.engine.execute(
            "SELECT count(*) AS number FROM taskrail.job"
            " WHERE id = ANY(:ids) AND status <> 'accepted'",
            ids=list(ids),
        )
        return int(rows[0]["number"]) == len(ids)

    def postmaster(self) -> int:
        pid_file = self.settings.data_dir / "postgres" / "postmaster.pid"
        return int(pid_file.read_text().split("\n", 1)[0])


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    with own_servers() as settings:
        async with site_on(settings) as made:
            yield made


@asynccontextmanager
async def site_on(settings: Settings) -> AsyncIterator[Site]:
    """A migrated database on these servers, with one tenant."""
    await prepare(settings)
    database, cast = Database(settings), Cast()
    redis = await create_pool(
        redis_settings(settings), job_serializer=codec.dump, job_deserializer=codec.load
    )
    runtime = await open_runtime(settings, redis, lambda _: None)
    engine = Engine(apply, runtime, database.superuser)
    await _settle_in(engine, cast, runtime)
    async with aclosing(Producer(redis)) as producer:
        yield Site(settings, database, redis, engine, producer, cast)
    await database.dispose()
    await redis.aclose()


async def _settle_in(engine: Engine, cast: Cast, runtime: Runtime) -> None:
    await engine.create_tenant(cast.tenant_id)
    assert await engine.statuses(cast.setting_up()) == ["applied"] * 6
    await close_runtime(runtime)
