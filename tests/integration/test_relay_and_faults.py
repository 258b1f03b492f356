"""The relay, when something is away, refused, lost or cut off."""

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

from jobs.payloads.task import CommentTask
from jobs.streaming import stream_key
from tests.asking import Cast
from tests.streams import are_in_order, entries, history, keys, unpublished
from tests.waiting import until
from tests.workers import Scene
from worker.loops.relay import ROUND_EVENTS, Relay
from worker.signals import StreamLost, StreamRefused


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
