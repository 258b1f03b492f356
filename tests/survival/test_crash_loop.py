"""Promise 5: a job that was in every process that crashed is put away, and harms nobody else."""

import signal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.repositories.interventions import Act
from jobs.envelope import AnyJob
from ops.verify.run import verify
from tests.databases import Database
from tests.survival.processes import end, worker_process
from tests.waiting import until
from tests.workers import Scene
from worker.line import LAST_DELIVERY
from worker.reviving import revive

WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'taskrail worker'"
    " AND wait_event_type = 'Lock' AND datname = current_database()"
)


async def test_a_job_that_was_in_five_crashes_is_buried_and_its_neighbours_are_applied(
    scene: Scene, database: Database
) -> None:
    """Each worker is killed while the job is being applied; a rogue's lock holds it there."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": 0.5})
    neighbours, killer = [scene.cast.task() for _ in range(4)], scene.cast.task()
    await scene.producer.enqueue_many([*neighbours[:2], killer, *neighbours[2:]])
    async with scene.engine.superuser.connect() as rogue:
        await _occupy(rogue, killer)
        for _ in range(LAST_DELIVERY):
            async with worker_process(scene.settings) as worker:
                await until(lambda: _waits_in_transaction(scene), seconds=30)
                assert await end(worker, signal.SIGKILL) == -signal.SIGKILL
            await until(lambda: _nobody_waits(scene), seconds=30)
        await rogue.rollback()

    async with worker_process(scene.settings):
        await until(lambda: _is(scene, killer, "buried"), seconds=30)
        row = await scene.engine.row("job", killer.tenant_id, killer.id)
        key = (killer.tenant_id, killer.id)
        await revive([key], Act("ada"), scene.engine.runtime.keeper, scene.redis)
        await until(lambda: _is(scene, killer, "applied"), seconds=30)

    assert row["attempts"] == LAST_DELIVERY + 1
    assert "kill its worker" in row["error"]
    assert await scene.engine.count("task", killer.tenant_id) == len(neighbours) + 1
    assert (await verify(database.engine("reader"))).violations == []


async def _occupy(rogue: AsyncConnection, job: AnyJob) -> None:
    """An uncommitted ledger row with this id: whoever writes the same one waits for us."""
    await rogue.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    await rogue.execute(
        text(
            "INSERT INTO taskrail.job (tenant_id, id, kind, envelope, next_feed_at)"
            " VALUES (:tenant_id, :id, 'task.create', '{}', clock_timestamp())"
        ),
        {"tenant_id": job.tenant_id, "id": job.id},
    )


async def _waits_in_transaction(scene: Scene) -> bool:
    return bool(await scene.engine.execute(WAITING))


async def _nobody_waits(scene: Scene) -> bool:
    return not await scene.engine.execute(WAITING)


async def _is(scene: Scene, job: AnyJob, status: str) -> bool:
    return bool(
        await scene.engine.count("job", job.tenant_id, f"id = '{job.id}' AND status = '{status}'")
    )
