"""Orchestrators follow a tenant's events: resumable, without polling, told of what is missing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from redis.exceptions import ResponseError

from jobs.connections import ANSWER_SECONDS
from jobs.streaming import EventsLost, StreamedEvent, follow, stream_key
from ops.queue import opened_queue
from ops.republishing import Span, republish
from tests.streams import entries, history, keys, published
from tests.waiting import until
from tests.workers import Scene

FOR_EVER, SOON = 3600.0, 30.0
"""How long Redis keeps a reader waiting whom only an event is to wake; and much less."""


async def read(scene: Scene, number: int, after: str | None) -> list[StreamedEvent]:
    """The next events behind `after`."""
    events: list[StreamedEvent] = []
    async with aclosing(scene.producer.events(scene.cast.tenant_id, after=after)) as following:
        async for event in following:
            events.append(event)
            if len(events) == number:
                return events
    raise AssertionError("a stream has no end")


@asynccontextmanager
async def reading(
    scene: Scene, number: int, after: str | None
) -> AsyncIterator[asyncio.Task[list[StreamedEvent]]]:
    """A reader that waits in Redis already."""
    task = asyncio.create_task(read(scene, number, after))
    await until(lambda: blocked(scene))
    yield task
    await asyncio.gather(task, return_exceptions=True)


async def blocked(scene: Scene) -> bool:
    clients = await scene.redis.client_list()
    return any(client["cmd"] == "xread" and "b" in client["flags"] for client in clients)


async def test_all_that_is_kept_is_read_once_and_in_order(scene: Scene) -> None:
    await published(scene, 150)
    everything = await keys(scene.redis, scene.cast.tenant_id)

    events = await read(scene, len(everything), "0")

    assert [event.key for event in events] == everything
    assert {event.key for event in events} == await history(scene)


async def test_a_reader_that_resumes_misses_nothing_and_gets_nothing_twice(scene: Scene) -> None:
    first, *others = await published(scene, 5)
    everything = await keys(scene.redis, scene.cast.tenant_id)
    seen = await read(scene, everything.index(first) + 1, "0")

    rest = await read(scene, len(others), seen[-1].stream_id)

    assert [event.key for event in (*seen, *rest)] == everything


async def test_a_waiting_reader_gets_an_event_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.streaming.BLOCK_SECONDS", FOR_EVER)
    await published(scene, 1)

    async with reading(scene, 1, None) as waiting:
        (key,) = await published(scene, 1)
        async with asyncio.timeout(SOON):
            (event,) = await waiting

    assert event.key == key


async def test_a_reader_may_come_before_the_first_event(scene: Scene) -> None:
    async with reading(scene, 1, None) as waiting:
        await published(scene, 1)
        (event,) = await waiting

    assert event.key == (await keys(scene.redis, scene.cast.tenant_id))[0]


async def test_a_reader_whose_connection_is_cut_goes_on_where_it_was(scene: Scene) -> None:
    await published(scene, 1)

    async with reading(scene, 2, None) as waiting:
        await scene.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
        expected = await published(scene, 2)
        events = await waiting

    assert [event.key for event in events] == expected


async def test_a_reader_is_told_when_the_stream_was_trimmed_past_it(scene: Scene) -> None:
    await published(scene, 10)
    seen = (await read(scene, 3, "0"))[-1]
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=4, approximate=False)

    with pytest.raises(EventsLost, match="events republish") as caught:
        await read(scene, 1, seen.stream_id)

    kept = await keys(scene.redis, scene.cast.tenant_id)
    rest = await read(scene, 4, caught.value.resume_after)
    assert [event.key for event in rest] == kept


async def test_a_stream_that_was_trimmed_up_to_the_reader_has_lost_nothing(scene: Scene) -> None:
    await published(scene, 10)
    *_, seen, following = await entries(scene.redis, scene.cast.tenant_id)
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=1, approximate=False)

    assert await read(scene, 1, seen.stream_id) == [following]


async def test_an_entry_that_was_deleted_is_missed(scene: Scene) -> None:
    await published(scene, 3)
    *_, seen, deleted, following = await entries(scene.redis, scene.cast.tenant_id)
    await scene.redis.xdel(stream_key(scene.cast.tenant_id), deleted.stream_id)

    with pytest.raises(EventsLost) as caught:
        await read(scene, 1, seen.stream_id)

    assert (caught.value.after, caught.value.resume_after) == (seen.stream_id, deleted.stream_id)
    assert await read(scene, 1, deleted.stream_id) == [following]


async def test_a_waiting_reader_is_told_that_redis_has_lost_the_stream(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.streaming.BLOCK_SECONDS", 0.05)
    await published(scene, 1)

    async with reading(scene, 1, None) as waiting:
        await scene.redis.flushall()
        with pytest.raises(EventsLost) as caught:
            await waiting

    assert caught.value.resume_after == "0-0"


async def test_a_command_that_follows_is_told_that_redis_has_lost_the_stream(scene: Scene) -> None:
    await published(scene, 1)

    async with (
        opened_queue(scene.settings) as redis,
        aclosing(follow(redis, scene.cast.tenant_id, None)) as events,
    ):
        waiting = asyncio.ensure_future(anext(events))
        await until(lambda: blocked(scene))
        await scene.redis.flushall()
        with pytest.raises(EventsLost):
            async with asyncio.timeout(ANSWER_SECONDS):
                await waiting


async def test_what_redis_lost_is_read_after_it_was_published_again(scene: Scene) -> None:
    await published(scene, 300)
    seen = (await entries(scene.redis, scene.cast.tenant_id))[-1]
    since = (await entries(scene.redis, scene.cast.tenant_id))[0].at
    await scene.redis.flushall()

    span = Span(scene.cast.tenant_id, since, None)
    await republish(scene.engine.superuser, scene.redis, span, keeps=10_000)

    with pytest.raises(EventsLost) as caught:
        await read(scene, 1, seen.stream_id)
    everything = await history(scene)
    again = await read(scene, len(everything), caught.value.resume_after)
    assert {event.key for event in again} == everything


async def test_an_entry_of_a_stranger_is_an_error_and_not_an_event(scene: Scene) -> None:
    await scene.redis.xadd(stream_key(scene.cast.tenant_id), {"event": "{}"})

    with pytest.raises(ValueError, match="is no event"):
        await read(scene, 1, "0")


async def test_what_redis_refuses_is_not_tried_for_ever(scene: Scene) -> None:
    await scene.redis.set(stream_key(scene.cast.tenant_id), "not a stream")

    async with aclosing(follow(scene.redis, scene.cast.tenant_id, "0")) as events:
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await anext(events)
