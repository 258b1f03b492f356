"""A consumer that has lost what it held gives the batch up, and nothing is applied twice."""

from sqlalchemy import text

from tests.databases import Database
from tests.rogues import PATIENT
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.signals import HoldLost

LOCK_TASKS = text("LOCK TABLE taskrail.task IN ACCESS EXCLUSIVE MODE")


async def test_a_batch_that_was_lost_is_broken_off_and_settled_by_the_next(
    scene: Scene, database: Database
) -> None:
    scene.settings = scene.settings.model_copy(update=PATIENT | {"hold_seconds": 1.0})
    handle = await scene.producer.enqueue(scene.cast.task())
    held = f"arq:in-progress:{handle.job.id}"
    async with database.superuser.connect() as rogue, rogue.begin():
        await rogue.execute(LOCK_TASKS)
        async with scene.running(Consumer):
            await until(lambda: scene.redis.exists(held))

            await scene.redis.set(held, b"somebody else's")
            lost = await scene.signals.first(HoldLost)
            await rogue.rollback()
            await scene.redis.delete(held)

            assert lost.jobs == 1
            assert (await handle.outcome())["status"] == "applied"

    assert await scene.engine.count("job", scene.cast.tenant_id, "kind = 'task.create'") == 1


async def test_what_waits_for_a_lane_is_given_back_at_the_end(
    scene: Scene, database: Database
) -> None:
    scene.settings = scene.settings.model_copy(update=PATIENT | {"lanes": 1, "batch_jobs": 2})
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(4)])
    async with database.superuser.connect() as rogue, rogue.begin():
        await rogue.execute(LOCK_TASKS)
        async with scene.running(Consumer) as worker:
            last = handles[-1].job.id
            await until(lambda: scene.redis.exists(f"arq:in-progress:{last}"))
            worker.handle_sig(2)  # type: ignore[arg-type]  # SIGINT, as a number
            await until(lambda: _is_free(scene, str(last)))
            await rogue.rollback()

    counts = [await scene.redis.get(f"arq:retry:{one.job.id}") for one in handles]
    assert counts == [None, None, b"0", b"0"]
    assert await scene.redis.zcard("arq:queue") == 2
    await scene.drain(Consumer)


async def _is_free(scene: Scene, name: str) -> bool:
    return not await scene.redis.exists(f"arq:in-progress:{name}")
