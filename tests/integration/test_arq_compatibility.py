"""What Arq offers beside running functions: aborts, cron jobs, health checks, other queues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from signal import Signals
from typing import Any

import pytest
from arq.connections import RedisSettings
from arq.cron import cron
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus
from arq.worker import async_check_health
from uuid_utils.compat import uuid7

from jobs import codec
from jobs.payloads.task import CommentTask
from jobs.producer import Producer
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.signals import BatchApplied

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # Arq's own

TICK = "tick"
LETTERS = "SELECT arq_id, queue FROM taskrail.dead_letter"


def arq_job(scene: Scene, job_id: object) -> ArqJob:
    return ArqJob(str(job_id), scene.redis, _deserializer=codec.load)


async def test_a_job_that_is_aborted_in_time_is_rejected_and_changes_nothing(scene: Scene) -> None:
    task_id = uuid7()
    handle = await scene.producer.enqueue(scene.cast.task(task_id))

    aborting = asyncio.create_task(arq_job(scene, handle.job.id).abort(timeout=30, poll_delay=0.01))
    await until(lambda: scene.redis.exists("arq:abort"))
    await scene.drain(Consumer)

    assert await aborting is True
    outcome = await handle.outcome()
    assert (outcome["status"], outcome["code"]) == ("rejected", "aborted")
    assert await scene.engine.count("task", scene.cast.tenant_id) == 0
    assert await scene.keys() == set()


async def test_a_deferred_job_is_aborted_at_once(scene: Scene) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.zincrby("arq:queue", 3_600_000, str(handle.job.id))

    aborting = asyncio.create_task(arq_job(scene, handle.job.id).abort(timeout=30, poll_delay=0.01))
    # Arq makes the job due before it says why: a worker that is there may apply it in between.
    await until(lambda: scene.redis.exists("arq:abort"))
    async with scene.running(Consumer):
        assert await aborting is True


async def test_a_job_that_waits_for_others_can_be_aborted(scene: Scene) -> None:
    waits = scene.cast.task().model_copy(update={"after": [uuid7()]})
    handle = await scene.producer.enqueue(waits)

    async with scene.running(Consumer):
        await scene.signals.first(BatchApplied)
        assert await _aborted(scene, waits.id)

    assert (await handle.outcome())["code"] == "aborted"


async def test_what_was_applied_before_is_not_aborted(scene: Scene) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    await scene.drain(Consumer)

    assert await arq_job(scene, handle.job.id).abort(timeout=30, poll_delay=0.01) is False

    assert (await handle.outcome())["status"] == "applied"


async def test_a_cron_job_runs_beside_the_jobs(scene: Scene) -> None:
    ran = asyncio.Event()

    async def tick(_: dict[Any, Any]) -> str:
        ran.set()
        return "ticked"

    every_second = cron(tick, second=set(range(60)), keep_result=60)  # type: ignore[arg-type]  # Arq types ctx as dict[str, Any]
    worker = scene.worker(Consumer, cron_jobs=[every_second])
    running = asyncio.create_task(worker.async_run())
    handle = await scene.producer.enqueue(scene.cast.task())
    async with asyncio.timeout(60):
        await ran.wait()
        assert (await handle.outcome())["status"] == "applied"
        await until(lambda: _has_result(scene))
    worker.handle_sig(2)  # type: ignore[arg-type]  # SIGINT, as a number

    await running
    letters = await scene.engine.execute("SELECT FROM taskrail.dead_letter WHERE arq_id ~ '^cron'")
    assert letters == []


async def test_a_function_that_redis_keeps_from_running_is_let_go_and_runs_later(
    scene: Scene,
) -> None:
    """Arq counts where somebody has written what is no number."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": 0.3})
    ran, hold = asyncio.Event(), "arq:in-progress:odd"
    await scene.redis.set("arq:retry:odd", "not a number")

    async with _ticking(scene, ran):
        await scene.redis.enqueue_job(TICK, _job_id="odd")
        await until(lambda: scene.redis.exists(hold))
        await until(partial(_is_gone, scene, hold))
        await scene.redis.delete("arq:retry:odd")
        await until(lambda: _is_set(ran))


async def test_a_function_in_another_queue_than_arqs_own_is_a_dead_letter(scene: Scene) -> None:
    """Arq would end it in its own queue, and it would stay where it is."""
    shares = {"queue_shares": {"arq:queue": 1, "bulk": 1}}
    scene.settings = scene.settings.model_copy(update=shares)
    ran = asyncio.Event()

    async with _ticking(scene, ran):
        await scene.redis.enqueue_job(TICK, _job_id="odd", _queue_name="bulk")
        (letter,) = await until(lambda: scene.engine.execute(LETTERS))

    assert (letter["arq_id"], letter["queue"]) == ("odd", "bulk")
    assert not ran.is_set()


async def test_a_job_is_in_progress_while_it_is_held_and_complete_afterwards(scene: Scene) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    job = arq_job(scene, handle.job.id)
    assert await job.status() is JobStatus.queued

    await scene.drain(Consumer)

    assert await job.status() is JobStatus.complete


async def test_arqs_health_check_finds_the_consumer(scene: Scene) -> None:
    redis_settings = RedisSettings(unix_socket_path=str(scene.settings.run_dir / "valkey.sock"))
    async with scene.running(Consumer):
        await until(lambda: scene.redis.exists("arq:queue:health-check"))

        assert await async_check_health(redis_settings) == 0


async def test_a_consumer_is_healthy_though_its_clock_is_put_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    health_key = "arq:queue:health-check"
    async with scene.running(Consumer) as worker:
        worker.health_check_interval = 0
        await until(lambda: scene.redis.exists(health_key))
        monkeypatch.setattr("time.time", lambda: 0.0)
        await scene.redis.delete(health_key)

        await until(lambda: scene.redis.exists(health_key))


async def test_jobs_of_several_queues_are_applied_by_one_consumer(scene: Scene) -> None:
    scene.settings = scene.settings.model_copy(update={"queue_shares": {"arq:queue": 1, "bulk": 1}})
    bulk = Producer(scene.redis, queue_name="bulk")
    tasks = [scene.cast.task() for _ in range(10)]
    await bulk.enqueue_many(tasks[:5])
    await scene.producer.enqueue_many(tasks[5:])

    await scene.drain(Consumer)

    assert await scene.engine.count("task", scene.cast.tenant_id) == 10
    assert await scene.keys() == set()


async def test_what_two_lanes_apply_keeps_the_order_about_one_task(scene: Scene) -> None:
    scene.settings = scene.settings.model_copy(update={"batch_jobs": 5, "lanes": 4})
    tasks = [uuid7() for _ in range(8)]
    jobs = [scene.cast.task(task_id) for task_id in tasks]
    for number in range(10):
        for task_id in tasks:
            said = CommentTask(task_id=task_id, comment_id=uuid7(), body=str(number))
            jobs.append(scene.cast.by(scene.cast.owner, said))
    await scene.producer.enqueue_many(jobs, ordered=False)

    await scene.drain(Consumer)

    said_in_order = await scene.engine.execute(
        "SELECT array_agg(c.body::int ORDER BY e.seq) AS said FROM taskrail.event e"
        " JOIN taskrail.comment c ON c.tenant_id = e.tenant_id"
        "   AND c.id = (e.data -> 'comment' ->> 'id')::uuid"
        " WHERE e.tenant_id = :tenant_id GROUP BY e.entity_id",
        tenant_id=scene.cast.tenant_id,
    )
    assert [row["said"] for row in said_in_order] == [list(range(10))] * len(tasks)
    assert sum(batch.handed_back for batch in scene.signals.of(BatchApplied)) == 0


@asynccontextmanager
async def _ticking(scene: Scene, ran: asyncio.Event) -> AsyncIterator[None]:
    """A consumer that knows a cron job whose time is half a year away."""

    async def tick(_: dict[Any, Any]) -> None:
        ran.set()

    far = (datetime.now(UTC).month + 5) % 12 + 1
    some_day = cron(tick, name=TICK, month=far)  # type: ignore[arg-type]  # as above
    worker = scene.worker(Consumer, cron_jobs=[some_day])
    running = asyncio.create_task(worker.async_run())
    try:
        yield
    finally:
        worker.handle_sig(Signals.SIGINT)
        await running


async def _is_gone(scene: Scene, key: str) -> bool:
    return not await scene.redis.exists(key)


async def _is_set(event: asyncio.Event) -> bool:
    return event.is_set()


async def _aborted(scene: Scene, job_id: object) -> bool:
    """It is not applied in any case, so it does not matter when the consumer sees it."""
    return await arq_job(scene, job_id).abort(timeout=30, poll_delay=0.01)


async def _has_result(scene: Scene) -> bool:
    return bool(await scene.redis.keys("arq:result:cron*"))
