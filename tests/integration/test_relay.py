"""The relay, by single rounds: order, completeness, and what it does when something is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool, UnixDomainSocketConnection
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask, UpdateTask
from jobs.streaming import stream_key
from tests.asking import Cast
from tests.settling import settle
from tests.streams import are_in_order, entries, history, keys, unpublished
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.loops.alone import alone
from worker.loops.relay import QUIET_LOOKS, ROUND_EVENTS, Relay
from worker.loops.running import repeat
from worker.signals import EventsPublished, StreamLost, StreamRefused

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


async def test_redis_may_be_away_and_nothing_is_lost_or_reordered(
    scene: Scene, tmp_path: Path
) -> None:
    relay, runtime = Relay(), scene.engine.runtime
    async with _redis_at(tmp_path / "nobody.sock") as nobody:
        with pytest.raises(RedisError):
            await relay.publish(replace(runtime, redis=nobody))
    comments = [
        CommentTask(task_id=uuid7(), comment_id=uuid7(), body="Meanwhile.") for _ in range(3)
    ]
    await scene.engine.statuses([scene.cast.task(one.task_id) for one in comments])
    await scene.engine.statuses([scene.cast.by(scene.cast.owner, one) for one in comments])

    await relay.publish(runtime)

    events = await entries(scene.redis, scene.cast.tenant_id)
    assert are_in_order(events)
    assert [event.key for event in events] == list(dict.fromkeys(event.key for event in events))
    assert {event.key for event in events} == await history(scene)


async def test_a_redis_that_does_not_answer_is_given_up_and_no_transaction_stays_open(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.streams.PATIENCE_SECONDS", 0.1)
    hole = await asyncio.start_unix_server(_swallow, tmp_path / "hole.sock")

    async with hole, _redis_at(tmp_path / "hole.sock") as mute:
        with pytest.raises(RedisError, match="no answer"):
            await Relay().publish(replace(scene.engine.runtime, redis=mute))

    waiting = await scene.engine.execute(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'taskrail keeper'"
        " AND state LIKE 'idle in transaction%' AND datname = current_database()"
    )
    assert waiting == []
    assert await unpublished(scene) == len(await history(scene))


async def test_a_tenant_whose_stream_is_refused_keeps_nobody_else_waiting(scene: Scene) -> None:
    other, relay = Cast(), Relay()
    await scene.redis.set(stream_key(scene.cast.tenant_id), "not a stream")
    await scene.engine.statuses([scene.cast.task() for _ in range(2 * ROUND_EVENTS)])
    await scene.engine.create_tenant(other.tenant_id)
    await scene.engine.statuses(other.setting_up())

    await relay.publish(scene.engine.runtime)

    assert len(await entries(scene.redis, other.tenant_id)) > 0
    assert await scene.engine.count("outbox", other.tenant_id) == 0
    assert await unpublished(scene) == len(await history(scene))
    assert [s.tenant_id for s in scene.signals.of(StreamRefused)] == [scene.cast.tenant_id]
    await scene.redis.delete(stream_key(scene.cast.tenant_id))
    await relay.publish(scene.engine.runtime)
    assert are_in_order(await entries(scene.redis, scene.cast.tenant_id))
    assert await unpublished(scene) == 0


async def test_a_stream_that_redis_has_lost_is_told(scene: Scene) -> None:
    relay = Relay()
    await relay.publish(scene.engine.runtime)
    await scene.redis.flushall()
    await scene.engine.statuses([scene.cast.task()])

    await relay.publish(scene.engine.runtime)

    assert scene.signals.of(StreamLost) == [StreamLost(scene.cast.tenant_id)]


async def test_a_relay_that_is_cut_off_before_its_commit_publishes_again(scene: Scene) -> None:
    await scene.engine.statuses([scene.cast.task()])
    async with scene.engine.superuser.begin() as rogue:
        await rogue.exec_driver_sql("SELECT 1 FROM taskrail.outbox FOR UPDATE")
        cut = asyncio.create_task(Relay().publish(scene.engine.runtime))
        await until(lambda: scene.redis.exists(stream_key(scene.cast.tenant_id)))
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
    assert await unpublished(scene) == len(await history(scene))

    await Relay().publish(scene.engine.runtime)

    came = await keys(scene.redis, scene.cast.tenant_id)
    assert sorted(came) == sorted(2 * list(await history(scene)))
    assert are_in_order(await entries(scene.redis, scene.cast.tenant_id))
    assert await unpublished(scene) == 0


async def test_an_outbox_row_without_an_event_is_never_passed_over(scene: Scene) -> None:
    await scene.engine.execute(
        "INSERT INTO taskrail.outbox (tenant_id, entity_id, seq) VALUES (:tenant_id, :nobody, 1)",
        tenant_id=scene.cast.tenant_id,
        nobody=uuid7(),
    )

    with pytest.raises(LookupError, match="1 outbox rows name events that are not there"):
        await Relay().publish(scene.engine.runtime)

    assert await unpublished(scene) == len(await history(scene)) + 1


async def _is_empty(scene: Scene) -> bool:
    return await unpublished(scene) == 0


@asynccontextmanager
async def _redis_at(socket: Path) -> AsyncIterator[ArqRedis]:
    pool: ConnectionPool = ConnectionPool(UnixDomainSocketConnection, path=str(socket))
    redis = ArqRedis(pool)
    yield redis
    await redis.aclose(close_connection_pool=True)


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass
    writer.close()
