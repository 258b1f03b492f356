"""PostgreSQL or Redis is away, or the worker is told to stop: nothing is lost, nobody is blamed."""

import asyncio
import os
import signal
import sys
import time

import pytest

from settings import Settings
from tests.waiting import until
from tests.workers import Form, Scene
from worker.consumer import Consumer
from worker.signals import LedgerDrained, QueueBack, QueueEvicts, QueueLost, StoreBack, StoreLost

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's


async def test_a_deploy_gone_wrong_costs_no_job(scene: Scene, form: Form) -> None:
    async with scene.running(form):
        await (await scene.producer.enqueue(scene.cast.task())).outcome()
        await scene.engine.execute("ALTER TABLE taskrail.job RENAME TO job_away")
        handle = await scene.producer.enqueue(scene.cast.task())
        if form is Consumer:
            await scene.signals.first(StoreLost)
        else:
            await until(lambda: scene.redis.exists(f"arq:retry:{handle.job.id}"))

        await scene.engine.execute("ALTER TABLE taskrail.job_away RENAME TO job")

        assert (await handle.outcome())["status"] == "applied"
    if form is Consumer:
        assert scene.signals.of(StoreBack)


async def test_an_outage_is_not_counted_as_a_delivery(scene: Scene) -> None:
    await scene.engine.execute("ALTER TABLE taskrail.job RENAME TO job_away")
    async with scene.running(Consumer):
        handle = await scene.producer.enqueue(scene.cast.task())
        await scene.signals.first(StoreLost)
        retry = f"arq:retry:{handle.job.id}"
        await until(lambda: scene.redis.exists(retry))

        async def is_uncounted() -> bool:
            count: bytes | None = await scene.redis.get(retry)
            return count == b"0"

        await until(is_uncounted)
    await scene.engine.execute("ALTER TABLE taskrail.job_away RENAME TO job")


async def test_lost_connections_are_made_again(scene: Scene, form: Form) -> None:
    async with scene.running(form):
        await (await scene.producer.enqueue(scene.cast.task())).outcome()

        await scene.redis.client_kill_filter(_type="normal", skipme=True)

        handle = await scene.producer.enqueue(scene.cast.task())
        assert (await handle.outcome())["status"] == "applied"


async def test_a_redis_that_refuses_is_asked_until_it_serves(scene: Scene) -> None:
    async with scene.running(Consumer):
        await (await scene.producer.enqueue(scene.cast.task())).outcome()
        await scene.redis.zadd("arq:queue", {"later": time.time() * 1000 + 300})
        await scene.redis.config_set("maxmemory", "1")
        try:
            await scene.signals.first(QueueLost)
        finally:
            await scene.redis.config_set("maxmemory", "0")

        await scene.signals.first(QueueBack)
        handle = await scene.producer.enqueue(scene.cast.task())
        assert (await handle.outcome())["status"] == "applied"


@pytest.mark.parametrize(("policy", "warnings"), [("allkeys-lru", 1), ("noeviction", 0)])
async def test_a_redis_that_may_drop_jobs_is_complained_about(
    scene: Scene, policy: str, warnings: int
) -> None:
    await scene.redis.config_set("maxmemory-policy", policy)
    try:
        async with scene.running(Consumer):
            await (await scene.producer.enqueue(scene.cast.task())).outcome()
    finally:
        await scene.redis.config_set("maxmemory-policy", "noeviction")

    assert [signal.policy for signal in scene.signals.of(QueueEvicts)] == [policy] * warnings


async def test_a_redis_that_may_only_be_read_is_asked_until_it_serves(scene: Scene) -> None:
    """As a former primary after a failover. What is recorded meanwhile is settled all the same."""
    async with scene.running(Consumer):
        await (await scene.producer.enqueue(scene.cast.task())).outcome()
        await scene.redis.zadd("arq:queue", {"later": time.time() * 1000 + 300})
        await scene.redis.replicaof("127.0.0.1", 1)
        try:
            await scene.signals.first(QueueLost)
            job = scene.cast.task()
            await scene.engine.record([job])
            await scene.signals.first(LedgerDrained)
        finally:
            await scene.redis.replicaof("NO", "ONE")

        await scene.signals.first(QueueBack)
        handle = await scene.producer.enqueue(scene.cast.task())
        assert (await handle.outcome())["status"] == "applied"
    row = await scene.engine.row("job", scene.cast.tenant_id, job.id)
    assert row["status"] == "applied"


async def test_a_consumer_can_be_stopped_while_it_looks_for_redis(scene: Scene) -> None:
    nowhere = {"redis_url": None, "data_dir": scene.settings.data_dir / "nowhere"}
    settings: Settings = scene.settings.model_copy(update=nowhere)
    scene.settings = settings
    worker = scene.worker(Consumer)
    task = asyncio.create_task(worker.async_run())

    worker.handle_sig(signal.SIGTERM)

    await asyncio.wait_for(task, timeout=30)
    await worker.close()


async def test_sigterm_ends_the_process_cleanly_with_everything_settled(scene: Scene) -> None:
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(30)])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from settings import load_settings as load\n"
        "from worker.consumer import Consumer\n"
        "from worker.settings import worker_options\n"
        "Consumer(**worker_options(load())).run()",
        env=os.environ
        | {
            "TASKRAIL_DATABASE_URL": scene.settings.resolved_database_url.get_secret_value(),
            "TASKRAIL_REDIS_URL": scene.settings.resolved_redis_url.get_secret_value(),
            "TASKRAIL_LOG_LEVEL": "ERROR",
        },
    )
    await handles[0].outcome()
    assert await scene.redis.exists("arq:queue:health-check")

    process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), timeout=30) == 0
    assert not await scene.redis.exists("arq:queue:health-check")
    assert not any("in-progress" in key for key in await scene.keys())
    assert {(await handle.outcome())["status"] for handle in handles} == {"applied"}
