"""What is in hand, and what waits there: bounded in jobs, in bytes and in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from tests.databases import Database
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.queue.bell import Bell
from worker.queue.holding import Queues
from worker.queue.line import Line
from worker.signals import BatchApplied

LOCK_TASKS = text("LOCK TABLE taskrail.task IN ACCESS EXCLUSIVE MODE")
HOLD_SECONDS = 60.0
JOBS, JOBS_OF_A_BATCH, LANES = 20, 2, 2


@asynccontextmanager
async def opened(scene: Scene) -> AsyncIterator[Line]:
    """A line whose steps the test makes."""
    runtime = replace(scene.engine.runtime, settings=scene.settings)
    bell = Bell(scene.redis, ["arq:queue"], HOLD_SECONDS)
    queues = Queues(scene.redis, {"arq:queue": 1}, HOLD_SECONDS)
    line = Line(queues, bell, runtime, scene.worker(Consumer))
    try:
        yield line
    finally:
        await line.finish()
        await bell.close()


async def test_payloads_in_hand_and_in_a_batch_are_bounded_in_bytes(
    scene: Scene, database: Database
) -> None:
    tasks = [scene.cast.task(description="x" * 10_000) for _ in range(JOBS)]
    handles = await scene.producer.enqueue_many(tasks)
    size = await scene.redis.strlen(f"arq:job:{handles[0].job.id}")
    most_bytes = JOBS_OF_A_BATCH * size + size // 2
    scene.settings = scene.settings.model_copy(update={"batch_bytes": most_bytes, "lanes": LANES})

    async with opened(scene) as line:
        async with database.superuser.connect() as rogue, rogue.begin():
            await rogue.execute(LOCK_TASKS)
            for _ in range(JOBS):
                await line.step()
            in_hand = len(await scene.redis.keys("arq:in-progress:*"))
        await _work_off(line)

    assert in_hand <= (LANES + 1) * JOBS_OF_A_BATCH + 1
    batches = [batch.jobs for batch in scene.signals.of(BatchApplied)]
    assert (sum(batches), max(batches)) == (JOBS, JOBS_OF_A_BATCH)


async def test_what_waits_for_a_deferred_job_goes_to_the_ledger_however_many_wait(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis counts takings, and does not tell who has a job from when it is due again."""
    monkeypatch.setattr("worker.queue.line.PATIENCE_SECONDS", 0.5)
    scene.settings = scene.settings.model_copy(update={"batch_jobs": 2})
    deferred = uuid7()
    await scene.redis.set(f"arq:retry:{deferred}", 0)
    waiting = [scene.cast.task().model_copy(update={"after": [deferred]}) for _ in range(JOBS)]
    await scene.producer.enqueue_many(waiting, ordered=False)

    async def are_in_the_ledger() -> bool:
        accepted = "status = 'accepted'"
        return await scene.engine.count("job", scene.cast.tenant_id, accepted) == JOBS

    async with scene.running(Consumer):
        await until(are_in_the_ledger)


async def test_who_has_waited_long_enough_goes_to_the_ledger_whoever_else_begins_to_wait(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.queue.line.PATIENCE_SECONDS", 0.5)
    deferred = uuid7()
    await scene.redis.set(f"arq:retry:{deferred}", 0)

    sent: list[UUID] = []

    async def is_in_the_ledger() -> bool:
        waits = scene.cast.task().model_copy(update={"after": [deferred]})
        await scene.producer.enqueue(waits, ordered=False)
        sent.append(waits.id)
        return await scene.engine.count("job", scene.cast.tenant_id, f"id = '{sent[0]}'") == 1

    async with scene.running(Consumer):
        await until(is_in_the_ledger)

    # Not only when the hand was full of them, and all were put aside.
    assert len(sent) < scene.settings.batch_jobs


async def _work_off(line: Line) -> None:
    never = asyncio.Event()
    while await line.step() or not line.is_empty:
        await line.change(never, 1.0)
