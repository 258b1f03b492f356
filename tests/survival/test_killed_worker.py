"""Promises 1, 2 and 8: a killed worker loses nothing, doubles nothing, and is soon replaced."""

import signal

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import StartTask
from ops.verify.run import verify
from tests.databases import Database
from tests.rogues import PATIENT, occupy, waits_in_transaction
from tests.survival.processes import end, worker_process
from tests.waiting import until
from tests.workers import Scene

pytestmark = pytest.mark.timeout(300)
"""Two workers start one after another, which takes long where all are at work."""
JOBS = 150


async def test_a_killed_worker_leaves_nothing_half_done(scene: Scene, database: Database) -> None:
    """It is killed while its batch waits inside the transaction, most rows written already."""
    scene.settings = scene.settings.model_copy(update=PATIENT)
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS)]
    async with scene.engine.superuser.connect() as rogue:
        await occupy(rogue, jobs[-1])
        await scene.producer.enqueue_many(jobs)
        async with worker_process(scene.settings) as worker:
            await until(lambda: waits_in_transaction(scene))
            assert await end(worker, signal.SIGKILL) == -signal.SIGKILL
        assert await scene.engine.count("task", scene.cast.tenant_id) == 0
        await rogue.rollback()

    async with worker_process(scene.settings):
        await until(lambda: _all_settled(scene, jobs))

    assert await scene.engine.count("task", scene.cast.tenant_id) == JOBS
    assert await scene.engine.count("event", scene.cast.tenant_id, "kind = 'task.created'") == JOBS
    assert (await verify(database.engine("reader"))).violations == []


async def test_a_worker_told_to_stop_finishes_its_batch_and_gives_nothing_up(scene: Scene) -> None:
    """What it still held would be held for long: nobody else could settle that in time."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": 120.0})
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS)]
    await scene.producer.enqueue_many(jobs)
    async with worker_process(scene.settings) as worker:
        await until(lambda: _some_settled(scene))

        exit_code = await end(worker, signal.SIGTERM)

    assert exit_code == 0
    held = [key for key in await scene.keys() if "in-progress" in key]
    assert held == []
    async with worker_process(scene.settings):
        await until(lambda: _all_settled(scene, jobs))
    assert await scene.engine.count("job", scene.cast.tenant_id, "attempts > 1") == 0


async def test_a_poison_job_in_a_batch_of_200_costs_only_itself(scene: Scene) -> None:
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(199)]
    await scene.producer.enqueue_many(jobs[:100])
    await scene.redis.set("arq:job:poison", b"\x80\x04\x95 a pickle, perhaps")
    await scene.redis.zadd(scene.settings.queue_name, {"poison": 1})
    await scene.producer.enqueue_many(jobs[100:])

    async with worker_process(scene.settings):
        await until(lambda: _all_settled(scene, jobs))

    assert await scene.engine.count("job", scene.cast.tenant_id, "status = 'applied'") == 199 + 6
    letter = await scene.engine.last_dead_letter()
    assert (letter["arq_id"], letter["reason"]) == ("poison", "unreadable")


async def test_a_job_for_a_task_that_is_never_there_holds_nobody_up(scene: Scene) -> None:
    missing = scene.cast.by(scene.cast.human, StartTask(task_id=uuid7()))
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(20)]

    async with worker_process(scene.settings):
        await scene.producer.enqueue_many([missing, *jobs])
        await until(lambda: _all_settled(scene, jobs))

    status = (await scene.engine.row("job", scene.cast.tenant_id, missing.id))["status"]
    assert status in {"accepted", "rejected"}


async def _all_settled(scene: Scene, jobs: list[AnyJob]) -> bool:
    settled = await scene.engine.count("job", scene.cast.tenant_id, "status <> 'accepted'")
    return settled >= len(jobs) + len(scene.cast.setting_up())


async def _some_settled(scene: Scene) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) > 0
