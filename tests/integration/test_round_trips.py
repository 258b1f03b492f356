"""How often a worker and a producer go to Redis and back, counted by a socket in between."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from benchmarks.trips import Trips, counted
from jobs.producer import Producer
from jobs.wire import CHUNK_JOBS
from settings import Settings
from tests.rights import connected
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer

LONE_JOBS = 40
MOST_TRIPS_OF_A_LONE_JOB = 4
"""Taking, arming the bell, settling, arming it again."""
LOOKS_AT_REST = 5


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[tuple[Settings, Trips]]:
    """Settings with another way to the same Redis, on which trips are counted."""
    socket = urlsplit(settings.resolved_redis_url.get_secret_value()).path
    async with counted(socket) as (path, trips):
        yield settings.model_copy(update={"redis_url": SecretStr(f"unix://{path}")}), trips


async def test_a_lone_job_costs_its_worker_four_round_trips(scene: Scene) -> None:
    task_id = uuid7()
    async with watched(scene.settings) as (scene.settings, trips), scene.running(Consumer):
        await (await scene.producer.enqueue(scene.cast.task(task_id))).outcome(10)
        before = await _at_rest(trips)
        for _ in range(LONE_JOBS):
            # It is refused, so that there is no event for the relay.
            job = scene.cast.task(task_id)
            await (await scene.producer.enqueue(job, ordered=False)).outcome(10)
            spent = await _at_rest(trips) - before

    # Besides, the queues are looked at once a second.
    assert spent <= (MOST_TRIPS_OF_A_LONE_JOB + 0.25) * LONE_JOBS


async def test_jobs_for_many_scripts_are_enqueued_in_one_round_trip(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.wire.CHUNK_JOBS", 2)
    jobs = [scene.cast.task() for _ in range(20)]
    async with (
        watched(scene.settings) as (settings, trips),
        connected(settings) as redis,
        aclosing(Producer(redis)) as producer,
    ):
        await producer.enqueue(scene.cast.task())
        before = trips.number
        handles = await producer.enqueue_many(jobs)
        spent = trips.number - before

    assert spent == 1
    assert all(handle.is_new for handle in handles)
    assert await scene.redis.zcard("arq:queue") == len(jobs) + 1


async def test_a_redis_that_has_forgotten_the_script_is_told_it_again(scene: Scene) -> None:
    jobs = [scene.cast.task() for _ in range(3 * CHUNK_JOBS)]
    await scene.redis.script_flush()

    handles = await scene.producer.enqueue_many(jobs)

    assert all(handle.is_new for handle in handles)
    names = await scene.redis.zrange("arq:queue", 0, -1)
    assert [name.decode() for name in names] == [str(job.id) for job in jobs]


async def _at_rest(trips: Trips) -> int:
    """How many there were when the worker had nothing more to say for a while."""
    seen = list[int]()

    async def is_at_rest() -> bool:
        seen.append(trips.number)
        return len(seen) >= LOOKS_AT_REST and len(set(seen[-LOOKS_AT_REST:])) == 1

    await until(is_at_rest)
    return trips.number
