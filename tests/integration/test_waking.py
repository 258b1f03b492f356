"""Whenever a job comes, a consumer with a free lane begins with it at once."""

import asyncio

import pytest
from sqlalchemy import text

from jobs.envelope import AnyJob
from tests.databases import Database
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer

NEVER_SECONDS = 3600.0
AT_ONCE_SECONDS = 1.5
"""The first lane waits for longer than this for a lock that it does not get."""
SENDERS, JOBS_OF_EACH = 3, 60
RECORD = text("SELECT * FROM taskrail.record(CAST(:envelopes AS jsonb))")


@pytest.fixture(autouse=True)
def no_safety_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring that is lost is lost for good."""
    monkeypatch.setattr("worker.queue.bell.SAFETY_POLL_SECONDS", NEVER_SECONDS)


async def test_jobs_that_come_one_at_a_time_at_any_moment_are_all_heard_of(scene: Scene) -> None:
    async def send(job: AnyJob) -> str:
        handle = await scene.producer.enqueue(job)
        return str((await handle.outcome(10))["status"])

    async def send_one_by_one() -> set[str]:
        return {await send(scene.cast.task()) for _ in range(JOBS_OF_EACH)}

    async with scene.running(Consumer):
        statuses = await asyncio.gather(*(send_one_by_one() for _ in range(SENDERS)))

    assert set.union(*statuses) == {"applied"}


async def test_what_comes_while_another_is_applied_begins_in_the_second_lane(
    scene: Scene, database: Database
) -> None:
    slow = scene.cast.task()
    async with database.superuser.connect() as rogue, rogue.begin():
        # Whoever writes the same id waits for the end of this.
        await rogue.execute(RECORD, {"envelopes": f"[{slow.model_dump_json(exclude_unset=True)}]"})
        async with scene.running(Consumer):
            first = await scene.producer.enqueue(slow)
            await until(lambda: scene.redis.exists(f"arq:in-progress:{slow.id}"))

            async with asyncio.timeout(AT_ONCE_SECONDS):
                quick = [await _outcome(scene) for _ in range(3)]
            is_slow_done = await scene.redis.exists(f"arq:result:{slow.id}")
            await rogue.rollback()

            assert (await first.outcome(10))["status"] == "applied"
    assert quick == ["applied"] * 3
    assert not is_slow_done


async def _outcome(scene: Scene) -> str:
    handle = await scene.producer.enqueue(scene.cast.task())
    return str((await handle.outcome(10))["status"])
