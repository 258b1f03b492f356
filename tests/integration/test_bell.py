"""An idle consumer is woken at once by whoever enqueues, and asks for nothing meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis

from tests.history.proxies import Proxy
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.queue.bell import LONGEST_HESITATION_SECONDS, SAFETY_POLL_SECONDS, Bell

QUEUES = ["arq:queue", "other"]
FOR_EVER = 3600.0
FAR = FOR_EVER * 10**12
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


async def is_unarmed(bell: Bell) -> bool:
    return not await is_armed(bell)


async def rung_by(bell: Bell, *change: object, redis: Redis, found: int = 0) -> None:
    """Waiting has ended soon after the command; so much was found then."""
    waiting = asyncio.create_task(bell.wait())
    await until(lambda: is_armed(bell))
    await redis.execute_command(*change)  # type: ignore[no-untyped-call]
    async with asyncio.timeout(SOON):
        await waiting
    bell.found(found)


@pytest.fixture
def hesitations(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each hesitation might have been; they are cut short."""
    longest = list[float]()

    def uniform(_: float, high: float) -> float:
        longest.append(high)
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    return longest


@pytest.mark.usefixtures("no_safety_poll")
async def test_a_plain_arq_producer_wakes_who_waits(scene: Scene, bell: Bell) -> None:
    waiting = asyncio.create_task(bell.wait())
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
        await bell.wait()


@pytest.mark.usefixtures("no_safety_poll")
async def test_an_answer_that_takes_longer_than_anybody_waits_is_heard(scene: Scene) -> None:
    wire = Proxy(scene.settings.run_dir / "valkey.sock")
    wire.latency_seconds = 0.03
    async with wire.running():
        bell = Bell(ArqRedis(host="127.0.0.1", port=wire.port), QUEUES, FOR_EVER)
        await scene.redis.zadd("other", {"job": 1})

        async def is_rung() -> bool:
            waiting = asyncio.create_task(bell.wait())
            await asyncio.wait([waiting], timeout=wire.latency_seconds / 2)
            waiting.cancel()
            return waiting.done()

        await until(is_rung)
        await bell.close()


@pytest.mark.usefixtures("no_safety_poll")
async def test_who_waits_returns_when_the_next_entry_is_due(scene: Scene, bell: Bell) -> None:
    seconds, microseconds = await scene.redis.time()
    await scene.redis.zadd("other", {"job": seconds * 1000 + microseconds / 1000 + 50})

    async with asyncio.timeout(SOON):
        await bell.wait()


async def test_who_waits_long_looks_once_a_second(scene: Scene, bell: Bell) -> None:
    clock = asyncio.get_running_loop().time
    started, before = clock(), await _looks(scene.redis)
    waiting = asyncio.create_task(bell.wait())

    async def has_looked_three_times() -> bool:
        return await _looks(scene.redis) - before >= 3

    await until(has_looked_three_times)

    assert 0.9 * 2 * SAFETY_POLL_SECONDS < clock() - started < 10 * SAFETY_POLL_SECONDS
    waiting.cancel()


@pytest.mark.usefixtures("no_safety_poll")
async def test_what_is_due_and_cannot_be_taken_is_not_looked_at_without_end(
    scene: Scene, bell: Bell
) -> None:
    """A stock worker runs it."""
    await scene.redis.zadd("other", {"theirs": 1})
    before = await _looks(scene.redis)
    await bell.wait()
    bell.found(0)

    await rung_by(bell, "ZADD", "arq:queue", 1, "ours", redis=scene.redis)

    assert await _looks(scene.redis) - before == 1


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

    for name in QUEUES:
        await rung_by(bell, "ZADD", name, 1, "job", redis=server, found=1)

    await bell.close()
    await server.aclose()


@pytest.mark.usefixtures("no_safety_poll")
async def test_who_is_rung_in_vain_hesitates_and_who_finds_something_does_not(
    scene: Scene, bell: Bell, hesitations: list[float]
) -> None:
    for number in range(8):
        await rung_by(bell, "ZADD", "other", FAR, f"lost-{number}", redis=scene.redis)
    in_vain = list(hesitations)
    await rung_by(bell, "ZADD", "other", FAR, "won", redis=scene.redis, found=1)
    hesitations.clear()
    await rung_by(bell, "ZADD", "other", FAR, "next", redis=scene.redis)

    assert in_vain == sorted(in_vain)
    assert (len(in_vain), in_vain[-1]) == (7, LONGEST_HESITATION_SECONDS)
    assert hesitations == []


@pytest.mark.usefixtures("no_safety_poll")
async def test_who_has_found_something_may_look_again_in_vain_and_does_not_hesitate(
    scene: Scene, bell: Bell, hesitations: list[float]
) -> None:
    await rung_by(bell, "ZADD", "other", FAR, "won", redis=scene.redis, found=1)
    bell.found(0)

    await rung_by(bell, "ZADD", "other", FAR, "next", redis=scene.redis)

    assert hesitations == []


@pytest.mark.usefixtures("no_safety_poll")
async def test_nobody_is_rung_by_what_he_does_himself_nor_hesitates_for_it(
    scene: Scene, bell: Bell, hesitations: list[float]
) -> None:
    waiting = asyncio.create_task(bell.wait())
    await until(lambda: is_armed(bell))

    with bell.deaf():
        await scene.redis.zadd("other", {"mine": FAR})
        await until(lambda: is_unarmed(bell))
    is_rung = waiting.done()
    waiting.cancel()
    await rung_by(bell, "ZADD", "other", FAR, "theirs", redis=scene.redis)

    assert not is_rung
    assert hesitations == []


@pytest.mark.usefixtures("no_safety_poll")
async def test_what_was_not_heard_is_seen_by_who_waits_next(scene: Scene, bell: Bell) -> None:
    waiting = asyncio.create_task(bell.wait())
    await until(lambda: is_armed(bell))
    with bell.deaf():
        await scene.redis.zadd("other", {"somebody's": 1})
    waiting.cancel()

    async with asyncio.timeout(SOON):
        await bell.wait()


@pytest.mark.usefixtures("no_safety_poll")
async def test_who_is_at_work_never_hesitates_for_what_others_took(
    scene: Scene, bell: Bell, hesitations: list[float]
) -> None:
    for name in ("first", "second", "third"):
        waiting = asyncio.create_task(bell.wait(is_idle=False))
        await until(lambda: is_armed(bell))
        await scene.redis.zadd("other", {name: FAR})
        async with asyncio.timeout(SOON):
            await waiting
        bell.found(0)

    assert hesitations == []


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


async def _looks(redis: Redis) -> int:
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_eval", {"calls": 0})["calls"])
