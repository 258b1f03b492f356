"""Producers are told outcomes, and of new work, instead of asking again and again."""

import asyncio
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import DispatchTasks
from jobs.wire import ready_key
from tests.waiting import until
from tests.workers import Form, Scene
from worker.consumer import Consumer
from worker.signals import BatchApplied

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's

FOR_EVER, SOON = 3600.0, 30.0


async def test_an_outcome_is_told_without_being_asked_for(scene: Scene, form: Form) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    waiting = asyncio.create_task(handle.outcome())
    await until(lambda: _is_watched(scene))
    asked = await _calls(scene, "mget")

    await scene.drain(form)

    assert (await waiting)["status"] == "applied"
    of_take = 2 if form is Consumer else 0
    assert await _calls(scene, "mget") - asked <= 1 + of_take


async def test_a_thousand_wait_with_few_questions(scene: Scene) -> None:
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(1_000)])
    waiting = [asyncio.create_task(handle.outcome()) for handle in handles]

    async with scene.running(Consumer):
        outcomes = await asyncio.gather(*waiting)

    assert {outcome["status"] for outcome in outcomes} == {"applied"}


async def test_who_waits_is_told_after_redis_has_cut_all_connections(scene: Scene) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    waiting = asyncio.create_task(handle.outcome())
    await until(lambda: _is_watched(scene))

    await scene.redis.execute_command(  # type: ignore[no-untyped-call]
        "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"
    )
    await scene.drain(Consumer)

    assert (await waiting)["status"] == "applied"


async def test_a_dispatch_that_finds_nothing_is_woken_by_the_next_task(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not look again by itself."""
    monkeypatch.setattr("jobs.producer.LOOK_AGAIN_SECONDS", FOR_EVER)
    ask = DispatchTasks(limit=1)
    async with scene.running(Consumer):
        waiting = asyncio.create_task(
            scene.producer.dispatch(ask, scene.cast.tenant_id, scene.cast.agent, seconds=FOR_EVER)
        )
        await scene.signals.first(BatchApplied)

        task_id = uuid7()
        await scene.producer.enqueue(scene.cast.task(task_id))
        async with asyncio.timeout(SOON):
            outcome = await waiting

    assert [task["id"] for task in outcome["result"]["tasks"]] == [str(task_id)]


async def test_a_dispatch_without_work_ends_in_time_with_an_empty_list(scene: Scene) -> None:
    async with scene.running(Consumer):
        outcome = await scene.producer.dispatch(
            DispatchTasks(limit=1), scene.cast.tenant_id, scene.cast.agent, seconds=0.05
        )

    assert outcome["result"]["tasks"] == []


async def test_a_refused_dispatch_is_not_repeated(scene: Scene) -> None:
    async with scene.running(Consumer):
        outcome = await scene.producer.dispatch(
            DispatchTasks(limit=1), scene.cast.tenant_id, uuid4(), seconds=20
        )

    assert outcome["status"] == "rejected"


async def test_new_work_is_told_by_stock_arq_too(scene: Scene, form: Form) -> None:
    await scene.producer.enqueue(scene.cast.task())

    await scene.drain(form)

    assert await scene.redis.exists(ready_key(scene.cast.tenant_id))


async def _is_watched(scene: Scene) -> bool:
    info = await scene.redis.info("clients")
    return int(info["tracking_clients"]) > 0 and await _calls(scene, "mget") > 0


async def _calls(scene: Scene, command: str) -> int:
    stats = await scene.redis.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])
