"""Whoever may write to Redis may say how often an entry was taken; a recorded job is not buried."""

import pytest
from uuid_utils.compat import uuid7

from jobs.codec import Reference
from jobs.wire import job_payload, wake_up
from tests.counts import all_settled, make_due, queue_as_taken, row_of
from tests.workers import Scene
from worker.consumer import Consumer
from worker.counting import apply_suspect
from worker.deliveries import Delivery

FORGED = ["6", "1000000", str(2**40), str(2**63 - 2), str(2**63 - 1), "-7", "many"]


@pytest.mark.parametrize("count", FORGED)
async def test_a_forged_count_in_redis_does_not_bury_a_recorded_job(
    scene: Scene, count: str
) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])
    await queue_as_taken(scene, job, wake_up(job.tenant_id, job.id, job.kind), count)

    await scene.drain(Consumer)

    assert (await row_of(scene, job))["status"] == "applied"


async def test_a_whole_entry_with_a_forged_count_does_not_bury_a_recorded_job(scene: Scene) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])
    await queue_as_taken(scene, job, job_payload(job), "6")

    await scene.drain(Consumer)

    assert (await row_of(scene, job))["status"] == "applied"


async def test_entries_that_are_only_named_like_a_recorded_job_are_not_counted(
    scene: Scene,
) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])
    await make_due(scene, "clock_timestamp() + interval '1 hour'")
    other = scene.cast.task().model_copy(update={"id": job.id})
    for _ in range(6):
        await queue_as_taken(scene, job, job_payload(other), "6")
        await scene.drain(Consumer)
    row = await row_of(scene, job)
    await make_due(scene)

    await scene.drain(Consumer)
    async with scene.running(Consumer):
        await all_settled(scene, [job])

    assert (row["status"], row["deliveries"]) == ("accepted", 2)
    assert (await row_of(scene, job))["status"] == "applied"


@pytest.mark.parametrize("count", ["3000000000", str(2**63 - 2), "-7"])
async def test_a_count_that_nobody_counted_stops_no_worker(scene: Scene, count: str) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.set(f"arq:retry:{handle.job.id}", count)

    await scene.drain(Consumer)

    assert (await handle.outcome())["status"] in {"applied", "buried"}


async def test_what_is_no_row_of_the_ledger_is_judged_by_the_count_in_redis(scene: Scene) -> None:
    unknown = Delivery("entry", Reference(uuid7(), uuid7()), count=6)

    assert type(await apply_suspect(unknown, scene.engine.runtime)).__name__ == "Kept"
