"""Promise 5: a job that was in every process that crashed is put away, and harms nobody else."""

import signal
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from db.repositories.interventions import Act
from jobs.envelope import AnyJob
from ops.verify.run import verify
from tests.databases import Database
from tests.planting import insert
from tests.rogues import PATIENT, forget_the_dead, occupy, stay, waits_in_transaction
from tests.survival.processes import end, worker_process
from tests.waiting import until
from tests.workers import Scene
from worker.counting import ALONE_FROM_DELIVERY, LAST_DELIVERY
from worker.dead.replaying import replay

pytestmark = pytest.mark.timeout(300)
"""Six workers start one after another, which takes long where all are at work."""


async def test_a_job_that_was_in_five_crashes_is_buried_and_its_neighbours_are_applied(
    scene: Scene, database: Database
) -> None:
    """Each worker is killed while the job is being applied; a rogue's lock holds it there."""
    scene.settings = scene.settings.model_copy(update=PATIENT | {"hold_seconds": 2.0})
    neighbours, killer = [scene.cast.task() for _ in range(4)], scene.cast.task()
    await scene.producer.enqueue_many([*neighbours[:2], killer, *neighbours[2:]])
    async with scene.engine.superuser.connect() as rogue:
        await occupy(rogue, killer)
        for _ in range(LAST_DELIVERY):
            async with worker_process(scene.settings) as worker:
                await until(lambda: waits_in_transaction(scene))
                assert await end(worker, signal.SIGKILL) == -signal.SIGKILL
            await forget_the_dead(scene)
        await rogue.rollback()

    async with worker_process(scene.settings):
        await until(lambda: _is(scene, killer, "buried"))
        row = await scene.engine.row("job", killer.tenant_id, killer.id)
        key = (killer.tenant_id, killer.id)
        await replay([key], Act("ada"), scene.engine.runtime.keeper, scene.redis)
        await until(lambda: _is(scene, killer, "applied"))

    assert row["attempts"] == LAST_DELIVERY + 1
    assert "kill its worker" in row["error"]
    assert await scene.engine.count("task", killer.tenant_id) == len(neighbours) + 1
    assert (await verify(database.engine("reader"))).violations == []


async def test_a_recorded_job_is_buried_after_five_crashes_though_redis_is_never_there(
    scene: Scene, database: Database, tmp_path: Path
) -> None:
    """Each worker is killed while the job is being applied; a rogue's task of that id holds it."""
    nowhere = SecretStr(f"unix://{tmp_path / 'nowhere'}")
    impatient = {"hold_seconds": 0.5, "redis_url": nowhere}
    scene.settings = scene.settings.model_copy(update=PATIENT | impatient)
    neighbours, killer = [scene.cast.task() for _ in range(4)], scene.cast.task()
    late: list[AnyJob] = []
    await scene.engine.record([*neighbours[:2], killer, *neighbours[2:]])
    async with scene.engine.superuser.connect() as rogue:
        await _occupy_task(rogue, scene, killer)
        for death in range(1, LAST_DELIVERY + 1):
            async with worker_process(scene.settings) as worker:
                await until(lambda n=death: _is_in_hand(scene, killer, n))  # type: ignore[misc]
                assert await end(worker, signal.SIGKILL) == -signal.SIGKILL
            await forget_the_dead(scene)
            late.append(scene.cast.task())
            await scene.engine.record(late[-1:])
        await rogue.rollback()

    async with worker_process(scene.settings):
        await until(lambda: _is(scene, killer, "buried"))
        for job in [*neighbours, *late]:
            await until(lambda one=job: _is(scene, one, "applied"))  # type: ignore[misc]

    row = await scene.engine.row("job", killer.tenant_id, killer.id)
    assert (row["attempts"], row["deliveries"]) == (LAST_DELIVERY + 1, 0)
    assert "kill its worker" in row["error"]
    # They were beside it in two crashes, of those that came later only the first, and in one.
    assert max(await _attempts(scene, neighbours)) <= ALONE_FROM_DELIVERY
    assert max(await _attempts(scene, late[:1])) < ALONE_FROM_DELIVERY
    assert await _attempts(scene, late[1:]) == [1] * (LAST_DELIVERY - 1)
    assert (await verify(database.engine("reader"))).violations == []


async def _occupy_task(rogue: AsyncConnection, scene: Scene, job: AnyJob) -> None:
    await stay(rogue)
    task = {"tenant_id": job.tenant_id, "project_id": scene.cast.project_id, "title": "Theirs"}
    await insert(rogue, "task", task | {"id": getattr(job.payload, "task_id", None)})


async def _is_in_hand(scene: Scene, job: AnyJob, deliveries: int) -> bool:
    """Counted so often, and waiting for the rogue."""
    counted = f"id = '{job.id}' AND deliveries = {deliveries}"
    is_counted = await scene.engine.count("job", job.tenant_id, counted)
    return bool(is_counted) and await waits_in_transaction(scene)


async def _attempts(scene: Scene, jobs: list[AnyJob]) -> list[int]:
    return [(await scene.engine.row("job", job.tenant_id, job.id))["attempts"] for job in jobs]


async def _is(scene: Scene, job: AnyJob, status: str) -> bool:
    return bool(
        await scene.engine.count("job", job.tenant_id, f"id = '{job.id}' AND status = '{status}'")
    )
