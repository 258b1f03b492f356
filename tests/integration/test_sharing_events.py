"""Orchestrators that share a tenant's events: each is for one of them, and none is left lying."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest

from jobs.sharing import Share
from jobs.streaming import EventsLost, StreamedEvent, stream_key
from tests.streams import entries, keys, published
from tests.workers import Scene

GROUP = "planners"
LATE, AT_ONCE = 3600.0, 0.0
SOON = 30.0
"""Much less than Redis keeps anybody waiting who waits so long."""
Events = AsyncGenerator[StreamedEvent, None]


@pytest.fixture
async def open_parts() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Orchestrators:
    """Consumers of one group, which end with the test."""

    def __init__(self, scene: Scene, parts: AsyncExitStack) -> None:
        self._scene, self._parts = scene, parts

    async def __call__(self, name: str, idle_seconds: float = LATE) -> Events:
        share = Share(GROUP, name, idle_seconds)
        events = self._scene.producer.events(self._scene.cast.tenant_id, share=share)
        return await self._parts.enter_async_context(aclosing(events))


@pytest.fixture
def orchestrator(scene: Scene, open_parts: AsyncExitStack) -> Orchestrators:
    return Orchestrators(scene, open_parts)


async def pending(scene: Scene) -> int:
    groups = await scene.redis.xinfo_groups(stream_key(scene.cast.tenant_id))
    return int(groups[0]["pending"])


async def test_each_event_is_for_one_of_them(scene: Scene, orchestrator: Orchestrators) -> None:
    await published(scene, 3)
    everything = await keys(scene.redis, scene.cast.tenant_id)
    ada, bob = await orchestrator("ada"), await orchestrator("bob")

    got = [(await anext(turn)).key for turn in [ada, bob] * (len(everything) // 2)]

    assert got == everything[: len(got)]


async def test_an_event_is_finished_when_the_next_is_asked_for(
    scene: Scene, orchestrator: Orchestrators
) -> None:
    await published(scene, 2)
    ada = await orchestrator("ada")

    await anext(ada)
    in_the_body = await pending(scene)
    await anext(ada)

    assert (in_the_body, await pending(scene)) == (1, 1)


async def test_who_waits_gets_an_event_at_once(
    scene: Scene, orchestrator: Orchestrators, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.sharing.BLOCK_SECONDS", LATE)
    monkeypatch.setattr("jobs.streaming.BLOCK_SECONDS", LATE)
    await published(scene, 1)
    ada = await orchestrator("ada")
    for _ in await entries(scene.redis, scene.cast.tenant_id):
        await anext(ada)
    waiting = asyncio.ensure_future(anext(ada))

    (key,) = await published(scene, 1)

    async with asyncio.timeout(SOON):
        assert (await waiting).key == key


async def test_what_was_not_finished_comes_again_to_who_returns(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 2)
    before = await orchestrator("ada")
    unfinished = await anext(before)
    await before.aclose()

    after = await orchestrator("ada")

    assert await anext(after) == unfinished
    assert (await anext(after)).key != unfinished.key


async def test_what_a_dead_one_left_is_taken_over(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 2)
    everything = await keys(scene.redis, scene.cast.tenant_id)
    dead = await orchestrator("dead")
    left = await anext(dead)
    await dead.aclose()

    heir = await orchestrator("heir", AT_ONCE)
    got = [(await anext(heir)).key for _ in everything]

    assert got == everything
    assert got[0] == left.key


async def test_many_at_work_do_not_hide_what_a_dead_one_left(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    """Redis looks at some ten events a time; those of the living come first here."""
    await published(scene, 40)
    living = [await orchestrator(f"living {number}") for number in range(30)]
    taken = [await anext(one) for one in living]
    dead = await orchestrator("dead")
    left = await anext(dead)
    stream, tenant_id = stream_key(scene.cast.tenant_id), scene.cast.tenant_id
    await scene.redis.xclaim(
        stream, GROUP, "dead", 0, [left.stream_id], idle=int(2_000 * LATE), justid=True
    )

    heir = await orchestrator("heir")
    total = len(await keys(scene.redis, tenant_id))
    got = [(await anext(heir)).key for _ in range(total - len(taken))]

    assert left.key in got
    assert not {event.key for event in taken} & set(got)


async def test_one_of_them_is_told_when_the_stream_was_trimmed_past_the_group(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 10)
    ada = await orchestrator("ada")
    for _ in range(3):
        await anext(ada)
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=4, approximate=False)
    kept = await keys(scene.redis, scene.cast.tenant_id)

    with pytest.raises(EventsLost):
        await anext(ada)

    again = await orchestrator("ada")
    assert [(await anext(again)).key for _ in kept] == kept


async def test_an_unfinished_event_that_was_trimmed_is_told_once(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 10)
    before = await orchestrator("ada")
    await anext(before)
    await before.aclose()
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=4, approximate=False)

    with pytest.raises(EventsLost):
        await anext(await orchestrator("ada"))

    assert await pending(scene) == 0


async def test_what_was_trimmed_in_a_dead_ones_hands_is_told(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 10)
    dead = await orchestrator("dead")
    left = await anext(dead)
    await dead.aclose()
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=4, approximate=False)

    with pytest.raises(EventsLost) as caught:
        await anext(await orchestrator("heir", AT_ONCE))

    assert caught.value.after == left.stream_id


async def test_they_are_told_that_redis_has_lost_the_group(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 1)
    ada = await orchestrator("ada")
    await anext(ada)
    await scene.redis.flushall()

    with pytest.raises(EventsLost):
        await anext(ada)

    (key,) = await published(scene, 1)
    assert (await anext(await orchestrator("ada"))).key == key


async def test_a_new_group_begins_with_the_oldest_that_is_kept(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 10)
    await scene.redis.xtrim(stream_key(scene.cast.tenant_id), maxlen=4, approximate=False)

    first = await anext(await orchestrator("ada"))

    assert first == (await entries(scene.redis, scene.cast.tenant_id))[0]


async def test_a_cut_connection_leaves_no_event_behind(
    orchestrator: Orchestrators, scene: Scene
) -> None:
    await published(scene, 3)
    everything = await keys(scene.redis, scene.cast.tenant_id)
    ada = await orchestrator("ada")
    got = [(await anext(ada)).key]

    await scene.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
    got += [(await anext(ada)).key for _ in everything[1:]]

    assert got == everything
