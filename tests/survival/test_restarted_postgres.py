"""Promises 1 to 3: PostgreSQL goes down under load and comes back; the worker outlives it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import pytest
from arq.connections import create_pool

from jobs import codec
from jobs.envelope import AnyJob
from jobs.producer import Producer
from ops.preparation import prepare
from ops.verify.run import verify
from settings import Settings
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.servers import own_servers
from tests.survival.processes import worker_process
from tests.waiting import until
from worker.apply import apply
from worker.connection import redis_settings
from worker.runtime import Runtime, close_runtime, open_runtime

RESTARTS = 2
JOBS_BETWEEN = 300


@dataclass(frozen=True, slots=True)
class Site:
    """Servers of this test alone, which it may break."""

    settings: Settings
    database: Database
    engine: Engine
    producer: Producer
    cast: Cast

    def postmaster(self) -> int:
        pid_file = self.settings.data_dir / "postgres" / "postmaster.pid"
        return int(pid_file.read_text().split("\n", 1)[0])


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    with own_servers() as settings:
        await prepare(settings)
        database, cast = Database(settings), Cast()
        redis = await create_pool(
            redis_settings(settings), job_serializer=codec.dump, job_deserializer=codec.load
        )
        runtime = await open_runtime(settings, redis, lambda _: None)
        engine = Engine(apply, runtime, database.superuser)
        await _settle_in(engine, cast, runtime)
        async with aclosing(Producer(redis)) as producer:
            yield Site(settings, database, engine, producer, cast)
        await database.dispose()
        await redis.aclose()


async def _settle_in(engine: Engine, cast: Cast, runtime: Runtime) -> None:
    await engine.create_tenant(cast.tenant_id)
    assert await engine.statuses(cast.setting_up()) == ["applied"] * 6
    await close_runtime(runtime)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_restart_of_postgres_under_load_loses_and_doubles_nothing(
    site: Site, how: signal.Signals
) -> None:
    """Fast shutdown, immediate shutdown, and a killed postmaster."""
    sent: list[AnyJob] = []
    async with worker_process(site.settings) as worker:
        for _ in range(RESTARTS):
            sent += await _send(site)
            await _restart(site, how, sent=len(sent))
        await until(lambda: _is_settled(site, {job.id for job in sent}), seconds=60)

        assert worker.returncode is None

    tasks = await site.engine.count("task", site.cast.tenant_id)
    assert tasks == RESTARTS * JOBS_BETWEEN
    assert await site.engine.count("job", site.cast.tenant_id, "status <> 'applied'") == 0
    assert (await verify(site.database.engine("reader"))).violations == []


async def _send(site: Site) -> list[AnyJob]:
    jobs = [site.cast.task() for _ in range(JOBS_BETWEEN)]
    await site.producer.enqueue_many(jobs)
    return jobs


async def _restart(site: Site, how: signal.Signals, *, sent: int) -> None:
    """Ends PostgreSQL while jobs are being applied; the supervisor starts it again."""
    before = site.postmaster()
    await until(lambda: _is_at_work(site, sent), seconds=30)
    os.kill(before, how)
    await until(lambda: _is_back(site, before), seconds=60)


async def _is_at_work(site: Site, sent: int) -> bool:
    done = await site.engine.count("task", site.cast.tenant_id)
    return sent - JOBS_BETWEEN < done


async def _is_back(site: Site, before: int) -> bool:
    try:
        if site.postmaster() == before:
            return False
        await site.engine.execute("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever says that it is not back yet
        return False
    return True


async def _is_settled(site: Site, ids: set[UUID]) -> bool:
    rows = await site.engine.execute(
        "SELECT count(*) AS number FROM taskrail.job WHERE id = ANY(:ids) AND status <> 'accepted'",
        ids=list(ids),
    )
    return int(rows[0]["number"]) == len(ids)
