"""Leases that cannot be ended now: they keep no others from ending, and end later themselves."""

from dataclasses import replace
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import ClaimTask
from tests.asking import Cast
from tests.engine import Engine
from tests.workers import Scene
from worker.apply import apply
from worker.deliveries import Settled
from worker.loops.reaper import FIRST, _ending, _expired_after, reap
from worker.runtime import Runtime


async def claimed(engine: Engine, cast: Cast, number: int = 1) -> list[UUID]:
    tasks = [uuid7() for _ in range(number)]
    claims = [cast.by(cast.agent, ClaimTask(task_id=task_id)) for task_id in tasks]
    jobs = [*(cast.task(task_id) for task_id in tasks), *claims]
    assert await engine.statuses(jobs) == ["applied"] * 2 * number
    return tasks


async def expire(engine: Engine, cast: Cast, seconds: int) -> None:
    await engine.execute(
        "UPDATE taskrail.lease SET expires_at = clock_timestamp() - make_interval(secs => :seconds)"
        " WHERE tenant_id = :tenant_id",
        seconds=seconds,
        tenant_id=cast.tenant_id,
    )


async def suspend(engine: Engine, cast: Cast, at: str) -> None:
    await engine.execute(
        f"UPDATE taskrail.tenant SET suspended_at = {at} WHERE id = :id",  # noqa: S608
        id=cast.tenant_id,
    )


def in_batches_of(jobs: int, runtime: Runtime) -> Runtime:
    return replace(runtime, settings=runtime.settings.model_copy(update={"batch_jobs": jobs}))


async def test_a_lease_that_expires_under_suspension_ends_when_the_tenant_is_back(
    scene: Scene,
) -> None:
    engine, cast = scene.engine, scene.cast
    await claimed(engine, cast)
    await expire(engine, cast, 1)
    await suspend(engine, cast, "now()")
    assert await reap(engine.runtime) == 0

    await suspend(engine, cast, "NULL")

    assert await reap(engine.runtime) == 1
    assert await engine.count("lease", cast.tenant_id) == 0


async def test_leases_of_the_suspended_do_not_keep_those_of_others(scene: Scene) -> None:
    engine, suspended = scene.engine, Cast()
    await engine.create_tenant(suspended.tenant_id)
    assert await engine.statuses(suspended.setting_up()) == ["applied"] * 6
    await claimed(engine, suspended, 3)
    await expire(engine, suspended, 9)
    await suspend(engine, suspended, "now()")
    await claimed(engine, scene.cast)
    await expire(engine, scene.cast, 1)

    assert await reap(in_batches_of(2, engine.runtime)) == 1


async def test_all_leases_that_ran_out_together_end_in_one_round(scene: Scene) -> None:
    engine, cast = scene.engine, scene.cast
    await claimed(engine, cast, 7)
    await expire(engine, cast, 1)

    assert await reap(in_batches_of(2, engine.runtime)) == 7


async def test_a_lease_that_is_locked_does_not_keep_those_behind_it(scene: Scene) -> None:
    engine, cast = scene.engine, scene.cast
    first, *_ = await claimed(engine, cast, 3)
    await expire(engine, cast, 1)

    async with engine.superuser.begin() as rogue:
        await rogue.exec_driver_sql(
            f"SELECT 1 FROM taskrail.task WHERE id = '{first}' FOR UPDATE"  # noqa: S608
        )
        assert await reap(in_batches_of(1, engine.runtime)) == 2

    assert await reap(engine.runtime) == 1


async def test_an_ending_that_was_refused_is_asked_for_again(scene: Scene) -> None:
    """The tenant is suspended after the reaper has looked."""
    engine, cast = scene.engine, scene.cast
    await claimed(engine, cast)
    await expire(engine, cast, 1)
    (lease,) = await _expired_after(FIRST, engine.runtime)

    await suspend(engine, cast, "now()")
    (refused,) = await apply([_ending(lease)], engine.runtime)
    await suspend(engine, cast, "NULL")

    assert isinstance(refused, Settled)
    assert refused.outcome.status == "rejected"
    assert await reap(engine.runtime) == 1
