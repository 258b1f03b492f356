"""How often a worker and a producer go to Redis and back, counted by a socket in between."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from benchmarks.trips import Trips, counted
from jobs.producer import Producer
from jobs.wire import CHUNK_JOBS
from settings import Settings
from tests.rights import connected
from tests.workers import Scene


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[tuple[Settings, Trips]]:
    """Settings with another way to the same Redis, on which trips are counted."""
    socket = urlsplit(settings.resolved_redis_url.get_secret_value()).path
    async with counted(socket) as (path, trips):
        yield settings.model_copy(update={"redis_url": SecretStr(f"unix://{path}")}), trips


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
