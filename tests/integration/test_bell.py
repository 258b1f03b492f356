"""An idle consumer is woken at once by whoever enqueues, and asks for nothing meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis

from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.queue.bell import LONGEST_HESITATION_SECONDS, SAFETY_POLL_SECONDS, Bell

QUEUES = ["arq:queue", "other"]
FOR_EVER = 3600.0
SOON = 30.0
"""Long after the bell, long before anybody looks by himself."""


@pytest.fixture
def no_safety_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the bell ends a wait."""
    monkeypatch.setattr("worker.queue.bell.SAFETY_POLL_SECONDS", FOR_EVER)


@pytest.fixture
async def bell(scene: Scene) -> AsyncIterator[Bell]:
    bell = Bell(scene.redis, QUEUES, FOR_EVER)
    yield bell
    await bell.close()


async def is_armed(bell: Bell) -> bool:
    """From then on nothing is missed."""
    return bell._is_armed  # noqa: SLF001 - a moment that nobody else has to know


async def rung_by(bell: Bell, *change: object, redis: Redis) -> None:
    """Waiting has ended soon after the command."""
    waiting = asyncio.create_task(bell.wait(None))
    await until(lambda: is_armed(bell))
    await redis.execute_command(*change)  # type: ignore[no-untyped-call]
    async with asyncio.timeout(SOON):
        await waiting


@pytest.mark.usefixtures("no_safety_poll")
async def test_a_plain_arq_producer_wakes_who_waits(scene: Scene, bell: Bell) -> None:
    waiting = asyncio.create_task(bell.wait(None))
    await until(lambda: is_armed(bell))

    await scene.redis.enqueue_job("task.create", {})

    async with asyncio.timeout(SOON):
        await waiting


@pytest.mark.usefixtures("no_safety_poll")
async def test_any_of_the_queues_wakes_who_waits(scene: Scene, bell: Bell) -> None:
    for name in QUEUES:
        await rung_by(bell, "ZADD", name, 1, "job", redis=scene.redis)
        await scene.redis.delete(name)


@pytest.mark.usefixtures("no_safety_poll")
async def test_what_is_due_already_is_not_waited_for(scene: Scene, bell: Bell) -> None:
    await scene.redis.zadd("other", {"job": 1})

    async with asyncio.timeout(SOON):
        await bell.wait(None)


@pytest.mark.usefixtures("no_safety_poll")
async def test_who_waits_returns_when_the_next_entry_is_due(bell: Bell) -> None:
    async with asyncio.timeout(SOON):
        await bell.wait(0.01)


async def test_who_waits_long_looks_once_a_second(bell: Bell) -> None:
    clock = asyncio.get_running_loop().time
    started = clock()

    async with asyncio.timeout(SOON):
        await bell.wait(None)

    assert clock() - started > 0.9 * SAFETY_POLL_SECONDS


@pytest.mark.usefixtures("no_safety_poll")
async def test_a_bell_whose_connection_was_cut_rings_and_works_again(
    scene: Scene, bell: Bell
) -> None:
    await rung_by(bell, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", redis=scene.redis)

    await rung_by(bell, "ZADD", "other", 1, "job", redis=scene.redis)


@pytest.mark.usefixtures("no_safety_poll")
async def test_where_redis_cannot_ring_the_queues_are_looked_at() -> None:
    server = FakeAsyncRedis()
    bell = Bell(ArqRedis(server.connection_pool), QUEUES, poll_seconds=0.01)

    async with asyncio.timeout(SOON):
        await bell.wait(None)
        await bell.wait(None)

    await bell.close()
    await server.aclose()


async def test_who_is_rung_in_vain_hesitates_and_who_finds_something_does_not(bell: Bell) -> None:
    hesitations = []
    for _ in range(20):
        bell._came_for_ring = True  # noqa: SLF001 - as if rung
        bell.found(0)
        hesitations.append(bell._hesitation())  # noqa: SLF001 - what it adds to a wait
    bell.found(1)

    assert 0 < max(hesitations) <= LONGEST_HESITATION_SECONDS
    assert bell._hesitation() == 0  # noqa: SLF001 - as above


@pytest.mark.usefixtures("no_safety_poll")
async def test_who_is_rung_by_his_own_settling_does_not_hesitate_for_it(
    scene: Scene, bell: Bell
) -> None:
    for name in ("first", "second", "third"):
        waiting = asyncio.create_task(bell.wait(None, is_idle=False))
        await until(lambda: is_armed(bell))
        await scene.redis.zadd("other", {name: FOR_EVER * 10**12})
        async with asyncio.timeout(SOON):
            await waiting
        bell.found(0)

    assert bell._hesitation() == 0  # noqa: SLF001 - what it adds to the next wait


async def test_an_idle_consumer_says_next_to_nothing_to_redis(scene: Scene) -> None:
    clock = asyncio.get_running_loop().time
    async with scene.running(Consumer):
        await until(lambda: scene.redis.exists("arq:queue:health-check"))
        await asyncio.sleep(SAFETY_POLL_SECONDS)
        began, before = clock(), await _commands(scene.redis)
        await asyncio.sleep(3 * SAFETY_POLL_SECONDS)
        spent, seconds = await _commands(scene.redis) - before, clock() - began

    # A look at the queue and at the arming, once a second; INFO; now and then its health.
    assert spent <= 8 * seconds


async def _commands(redis: Redis) -> int:
    stats = await redis.info("stats")
    return int(stats["total_commands_processed"])
