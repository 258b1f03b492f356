"""The relay, by single rounds: order, completeness, and when it looks."""

import asyncio
from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.task import UpdateTask
from tests.asking import Cast
from tests.settling import settle
from tests.streams import are_in_order, entries, history, keys, unpublished
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.loops.alone import alone
from worker.loops.relay import QUIET_LOOKS, ROUND_EVENTS, Relay
from worker.loops.running import repeat
from worker.signals import EventsPublished

HOUR = 3600.0


async def test_what_happened_is_in_the_stream_in_order_and_the_outbox_is_empty(
    scene: Scene,
) -> None:
    task_id = uuid7()
    update = UpdateTask(task_id=task_id, title="Title")
    created, updated = scene.cast.task(task_id), scene.cast.by(scene.cast.owner, update)
    await scene.engine.statuses([created, updated])

    published = await Relay().publish(scene.engine.runtime)

    events = await entries(scene.redis, scene.cast.tenant_id)
    assert {event.key for event in events} == await history(scene)
    assert published == len(events) == len(await history(scene))
    assert are_in_order(events)
    assert await unpublished(scene) == 0
    signals = scene.signals.of(EventsPublished)
    assert [(s.events, s.streams) for s in signals] == [(published, 1)]


async def test_an_entry_says_what_the_history_says(scene: Scene) -> None:
    task_id = uuid7()
    job = scene.cast.task(task_id, title="Grüße", attributes={"n": 2**53 + 1})
    await scene.engine.statuses([job])

    await Relay().publish(scene.engine.runtime)

    event = (await entries(scene.redis, scene.cast.tenant_id))[-1]
    (row,) = await scene.engine.execute(
        "SELECT * FROM taskrail.event WHERE entity_id = :task_id", task_id=task_id
    )
    told = {name: getattr(event, name) for name in row}
    assert told == row
    assert (event.key, event.job_id, event.actor_id) == (f"{task_id}:1", job.id, scene.cast.owner)
    assert event.at.utcoffset() is not None


async def test_more_than_a_round_holds_is_published_in_one_go(scene: Scene) -> None:
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(2 * ROUND_EVENTS)]
    await scene.engine.statuses(jobs)

    published = await Relay().publish(scene.engine.runtime)

    assert published > 2 * ROUND_EVENTS
    assert set(await keys(scene.redis, scene.cast.tenant_id)) == await history(scene)
    assert max(s.events for s in scene.signals.of(EventsPublished)) == ROUND_EVENTS


async def test_a_round_has_one_event_or_more_that_are_not_too_long(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["short", "x" * 5_000, "y" * 5_000, "short", "short"]
    await Relay().publish(scene.engine.runtime)
    scene.signals.clear()
    monkeypatch.setattr("worker.loops.relay.ROUND_BYTES", 4_000)
    await scene.engine.statuses([scene.cast.task(description=text) for text in words])

    assert await Relay().publish(scene.engine.runtime) == len(words)

    assert [s.events for s in scene.signals.of(EventsPublished)] == [1, 1, 1, 2]
    assert set(await keys(scene.redis, scene.cast.tenant_id)) == await history(scene)


async def test_each_tenant_has_a_stream_of_its_own(scene: Scene) -> None:
    other = Cast()
    await scene.engine.create_tenant(other.tenant_id)
    await scene.engine.statuses(other.setting_up())

    await Relay().publish(scene.engine.runtime)

    for tenant_id in (scene.cast.tenant_id, other.tenant_id):
        events = await entries(scene.redis, tenant_id)
        assert {event.tenant_id for event in events} == {tenant_id}


async def test_concurrent_batches_and_relays_keep_the_order_of_each_entity(scene: Scene) -> None:
    tasks = [uuid7() for _ in range(4)]
    await scene.engine.statuses([scene.cast.task(task_id) for task_id in tasks])
    relays = [
        asyncio.create_task(repeat("relay", Relay().publish, 0.001, scene.engine.runtime))
        for _ in range(2)
    ]

    def batch(number: int) -> list[AnyJob]:
        return [
            scene.cast.by(scene.cast.owner, UpdateTask(task_id=task_id, title=f"{number}"))
            for task_id in tasks
            for _ in range(5)
        ]

    await asyncio.gather(*(settle(scene.engine, batch(number)) for number in range(3)))
    await until(lambda: _is_empty(scene))
    for relay in relays:
        relay.cancel()
    await asyncio.gather(*relays, return_exceptions=True)

    events = await entries(scene.redis, scene.cast.tenant_id)
    assert are_in_order(events)
    assert {event.key for event in events} == await history(scene)


async def test_a_relay_leaves_to_another_what_that_one_is_at(scene: Scene) -> None:
    relay = Relay()

    async with alone(scene.engine.runtime.keeper, "relay"):
        assert await relay.publish(scene.engine.runtime) == 0

    assert await relay.publish(scene.engine.runtime) == len(await history(scene))


async def test_news_end_the_rest_of_the_relay(scene: Scene) -> None:
    runtime = scene.engine.runtime
    loop = asyncio.create_task(repeat("relay", Relay().observe, HOUR, runtime, runtime.news))
    await until(lambda: _is_empty(scene))

    await scene.engine.statuses([scene.cast.task()])

    await until(lambda: _is_empty(scene))
    loop.cancel()


async def test_a_relay_that_has_much_to_do_gathers_what_comes_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.loops.relay.WORKING_SHARE", 1e-6)
    monkeypatch.setattr("worker.loops.relay.LONGEST_GATHERING_SECONDS", HOUR)
    relay, runtime = Relay(), scene.engine.runtime
    first = await relay.observe(runtime)
    await scene.engine.statuses([scene.cast.task()])

    gathering = asyncio.create_task(relay.observe(runtime))
    everything = await Relay().observe(runtime)
    gathering.cancel()

    assert (first > 0, everything, gathering.done()) == (True, 1, False)


async def test_a_relay_looks_less_often_where_nothing_happens_but_never_past_news(
    scene: Scene,
) -> None:
    relay, runtime = Relay(), scene.engine.runtime
    await relay.publish(runtime)
    runtime.news.clear()
    for _ in range(2 * QUIET_LOOKS):
        await relay.observe(runtime)

    await scene.engine.statuses([scene.cast.task()])
    news = await relay.observe(runtime)
    await scene.engine.statuses([scene.cast.task()])
    runtime.news.clear()
    others = [await relay.observe(runtime) for _ in range(2)]

    assert (news, sum(others)) == (1, 1)


async def test_a_worker_publishes_what_it_applied_at_once(scene: Scene) -> None:
    scene.settings = scene.settings.model_copy(update={"relay_seconds": HOUR})
    async with scene.running(Consumer):
        await until(lambda: _is_empty(scene))

        job = scene.cast.task()
        await (await scene.producer.enqueue(job)).outcome()
        await until(lambda: _is_empty(scene))

    events = await entries(scene.redis, scene.cast.tenant_id)
    assert events[-1].job_id == job.id


async def test_a_stream_keeps_about_as_many_as_it_is_told(scene: Scene) -> None:
    settings = scene.settings.model_copy(update={"stream_events": 100})
    runtime = replace(scene.engine.runtime, settings=settings)
    await scene.engine.statuses([scene.cast.task() for _ in range(450)])

    await Relay().publish(runtime)

    kept = await keys(scene.redis, scene.cast.tenant_id)
    assert 100 <= len(kept) <= 200
    assert set(kept) < await history(scene)


async def _is_empty(scene: Scene) -> bool:
    return await unpublished(scene) == 0
