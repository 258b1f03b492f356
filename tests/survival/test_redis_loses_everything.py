"""Promise 4: what was recorded is settled, once, whatever becomes of Redis (F12, F14)."""

import pytest
from pydantic import SecretStr

from jobs.envelope import AnyJob
from ops.verify.run import verify
from tests.databases import Database
from tests.survival.processes import worker_process
from tests.waiting import until
from tests.workers import Scene

pytestmark = pytest.mark.timeout(300)
"""Thousands of jobs take long where all are at work."""
MANY, SOME, AT_ONCE = 10_000, 2_000, 500
PATIENCE_SECONDS = 120.0


async def recorded(scene: Scene, database: Database, number: int) -> list[AnyJob]:
    """As producers do it: in transactions of their own, woken afterwards."""
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(number)]
    for start in range(0, number, AT_ONCE):
        async with database.engine("producer").begin() as connection:
            chunk = await scene.producer.record(jobs[start : start + AT_ONCE], connection)
        await scene.producer.wake(chunk)
    return jobs


async def test_of_10_000_recorded_jobs_none_is_lost_or_doubled_by_a_flush(
    scene: Scene, database: Database
) -> None:
    async with worker_process(scene.settings), worker_process(scene.settings):
        await recorded(scene, database, MANY)
        await until(lambda: some_are_applied(scene))

        await scene.redis.flushall()

        await until(lambda: all_are_applied(scene, MANY), seconds=PATIENCE_SECONDS)
    assert (await verify(database.engine("reader"))).violations == []


async def test_workers_settle_what_is_recorded_though_redis_is_never_there(
    scene: Scene, database: Database
) -> None:
    nowhere = SecretStr("unix:///nowhere/redis")
    settings = scene.settings.model_copy(update={"redis_url": nowhere})

    async with worker_process(settings), worker_process(settings):
        await recorded(scene, database, SOME)
        await until(lambda: all_are_applied(scene, SOME), seconds=PATIENCE_SECONDS)

    assert (await verify(database.engine("reader"))).violations == []


async def some_are_applied(scene: Scene) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) > SOME


async def all_are_applied(scene: Scene, number: int) -> bool:
    """One task and one event each."""
    events = await scene.engine.count("event", scene.cast.tenant_id, "kind = 'task.created'")
    return events == await scene.engine.count("task", scene.cast.tenant_id) == number
