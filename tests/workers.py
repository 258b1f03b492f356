"""Workers in tests: the Consumer and stock Arq, in this process, on one queue and database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from arq.connections import ArqRedis, create_pool
from arq.worker import Worker

from jobs import codec
from jobs.producer import Producer
from settings import Settings
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.waiting import PATIENCE_SECONDS, Signals
from worker.apply import apply
from worker.connection import redis_settings
from worker.consumer import Consumer
from worker.runtime import Runtime
from worker.settings import worker_options

Form = type[Worker]
PASSING = ("result", "health", "ready", "taskrail:events")


@dataclass(slots=True)
class Scene:
    """One tenant with its people, ready to be given jobs."""

    settings: Settings
    redis: ArqRedis
    engine: Engine
    cast: Cast
    producer: Producer
    signals: Signals = field(default_factory=Signals)

    async def drain(self, form: type[Worker]) -> Worker:
        """A worker of this form ran until the queue was empty."""
        worker = self.worker(form, burst=True)
        await asyncio.wait_for(worker.async_run(), timeout=PATIENCE_SECONDS)
        await worker.close()
        return worker

    @asynccontextmanager
    async def running(self, form: type[Worker]) -> AsyncIterator[Worker]:
        worker = self.worker(form)
        task = asyncio.create_task(worker.async_run())
        try:
            yield worker
        finally:
            if isinstance(worker, Consumer):
                worker._stopping.set()  # noqa: SLF001 - what a signal does
            else:
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await worker.close()

    def worker(self, form: type[Worker], **options: Any) -> Worker:
        options = {"handle_signals": False} | options
        return form(**worker_options(self.settings, self.signals.append, **options))

    async def keys(self) -> set[str]:
        """What is left in Redis, besides what passes: results, health, news of work, events."""
        names = {name.decode() for name in await self.redis.keys("*")}
        return {name for name in names if not any(word in name for word in PASSING)}


@pytest.fixture(params=[Consumer, Worker], ids=["consumer", "stock"])
def form(request: pytest.FixtureRequest) -> Form:
    """Both workers, one after the other."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    """An empty queue, and a database with one tenant and its people."""
    settings = database.settings.model_copy(update={"log_level": "CRITICAL"})
    redis = await create_pool(
        redis_settings(settings), job_serializer=codec.dump, job_deserializer=codec.load
    )
    await redis.flushall()
    signals = Signals()
    keeper = database.engine("keeper")
    runtime = Runtime(settings, database.engine("worker"), keeper, redis, signals.append)
    engine, cast = Engine(apply, runtime, database.superuser), Cast()
    await engine.create_tenant(cast.tenant_id)
    assert await engine.statuses(cast.setting_up()) == ["applied"] * 6
    signals.clear()
    async with aclosing(Producer(redis)) as producer:
        yield Scene(settings, redis, engine, cast, producer, signals)
    await redis.aclose()
