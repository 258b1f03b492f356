"""Where benchmarks run: servers of their own, durable settings, one tenant with a project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from arq.connections import ArqRedis, RedisSettings, create_pool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from benchmarks.workload import Workload
from db.engine import create_engine, create_sessions
from jobs import codec
from ops.embedded.temporary import own_servers
from ops.preparation import prepare
from settings import Settings
from worker.apply import apply
from worker.deliveries import Delivery
from worker.runtime import Runtime, close_runtime, open_runtime

FIRST_JOBS = 1_000


@dataclass(frozen=True, slots=True)
class Stage:
    """`sessions` are the hand-written baseline's, in the same role as the product."""

    settings: Settings
    runtime: Runtime
    sessions: async_sessionmaker[AsyncSession]
    workload: Workload


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """A migrated database with one tenant, one project and its agents."""
    with own_servers() as settings:
        await prepare(settings)
        workload = Workload(await _create_tenant(settings))
        async with _runtime(settings) as runtime:
            await apply([Delivery(str(job.id), job) for job in workload.setting_up()], runtime)
            await _grow_up(settings, runtime, workload)
            yield Stage(settings, runtime, create_sessions(runtime.engine), workload)


@asynccontextmanager
async def _runtime(settings: Settings) -> AsyncIterator[Runtime]:
    redis = await connect(settings)
    runtime = await open_runtime(settings, redis, lambda _: None)
    try:
        yield runtime
    finally:
        await close_runtime(runtime)
        await redis.aclose()


async def connect(settings: Settings) -> ArqRedis:
    return await create_pool(
        RedisSettings.from_dsn(settings.resolved_redis_url.get_secret_value()),
        job_serializer=codec.dump,
        job_deserializer=codec.load,
    )


async def _grow_up(settings: Settings, runtime: Runtime, workload: Workload) -> None:
    """Statistics as after the first minutes: plans made for empty tables walk through full ones.

    Plans are made anew by those who connect later, so this stage's own connections are closed.
    """
    await apply([Delivery(str(job.id), job) for job in workload.stream(FIRST_JOBS)], runtime)
    engine = create_engine(settings, "login")
    async with engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text("VACUUM (ANALYZE)"))
    await engine.dispose()
    await runtime.engine.dispose()


async def _create_tenant(settings: Settings) -> UUID:
    tenant_id = uuid7()
    engine = create_engine(settings, "owner")
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO taskrail.tenant (id, slug, name) VALUES (:id, 'bench', 'Benchmark')"),
            {"id": tenant_id},
        )
    await engine.dispose()
    return tenant_id
