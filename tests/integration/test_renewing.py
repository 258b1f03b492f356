"""Holds are renewed from a thread, and what was lost is told, by taking and not by name."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import pytest
import redis as blocking
from arq.connections import ArqRedis

from tests.waiting import PATIENCE_SECONDS, until
from tests.workers import Scene
from worker.connection import connected_later, redis_settings
from worker.consumer import Consumer
from worker.deliveries import Kept
from worker.queue.holding import Entry, Queues, Take
from worker.queue.renewing import Renewing

MANY_BYTES = 1024 * 1024
HOLD_SECONDS, RENEWED_HOLD_SECONDS = 30.0, 0.3
"""They are renewed as often as if they were short, and last as long as a busy machine needs."""


@pytest.fixture
def queues(scene: Scene) -> Queues:
    return _queues(scene.redis)


def _queues(redis: ArqRedis) -> Queues:
    return Queues(redis, {"arq:queue": 1}, HOLD_SECONDS)


def _pool(scene: Scene) -> Callable[[], ArqRedis]:
    return partial(connected_later, redis_settings(scene.settings))


class Begun:
    """Counts renewals."""

    def __init__(self) -> None:
        self.number = 0

    def queues(self, redis: ArqRedis) -> Queues:
        return _Counted(redis, self)


class _Counted(Queues):
    def __init__(self, redis: ArqRedis, begun: Begun) -> None:
        super().__init__(redis, {"arq:queue": 1}, HOLD_SECONDS)
        self._begun = begun

    async def renew(self, entries: Iterable[Entry]) -> list[bytes]:
        self._begun.number += 1
        return await super().renew(entries)


async def taken(scene: Scene, queues: Queues, number: int) -> Take:
    await scene.producer.enqueue_many([scene.cast.task() for _ in range(number)])
    return await queues.take(number, MANY_BYTES)


def keep_the_loop_busy(until_then: Callable[[], bool]) -> None:
    """As a rule would that never lets go."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until_then() and time.monotonic() < deadline:
        """Nobody else gets a turn."""


async def test_holds_are_renewed_while_the_loop_is_busy(scene: Scene, queues: Queues) -> None:
    """The thread renews again and again meanwhile: each renewal begins after the last has ended."""
    begun = Begun()
    lost: list[Entry] = []
    renewing = Renewing(lost.extend)
    take = await taken(scene, queues, 1)
    ends_at = await _end_of_hold(scene, take.entries[0])

    async with renewing.running(_pool(scene), begun.queues, RENEWED_HOLD_SECONDS):
        renewing.hold(take.entries)
        keep_the_loop_busy(lambda: begun.number >= 4)
        renewed = begun.number

        assert (await queues.take(10, MANY_BYTES)).entries == []
        assert await _end_of_hold(scene, take.entries[0]) > ends_at
        renewing.let_go(take.entries)
        assert await queues.settle(take.entries, [Kept("done")]) == 0
    assert renewed >= 4
    assert lost == []


async def test_who_holds_is_told_what_he_has_lost(scene: Scene, queues: Queues) -> None:
    lost: asyncio.Queue[list[Entry]] = asyncio.Queue()
    renewing = Renewing(lost.put_nowait)
    take = await taken(scene, queues, 2)

    async with renewing.running(_pool(scene), _queues, RENEWED_HOLD_SECONDS):
        await _give_to(scene, take.entries[1], "somebody else")
        renewing.hold(take.entries)

        assert await lost.get() == take.entries[1:]


async def test_what_was_taken_again_before_its_loss_was_told_is_not_lost(
    scene: Scene, queues: Queues
) -> None:
    lost: list[Entry] = []
    renewing = Renewing(lost.extend)
    (old,) = (await taken(scene, queues, 1)).entries
    again = replace(old, token="taken again")  # noqa: S106 - a name for a taking

    begun = Begun()

    async with renewing.running(_pool(scene), begun.queues, RENEWED_HOLD_SECONDS):
        await _give_to(scene, old, "somebody else")
        renewing.hold([old])
        last = begun.number + 2
        keep_the_loop_busy(lambda: begun.number > last)  # the loss is found, and not told yet
        _give_at_once(scene, again)
        renewing.let_go([old])
        renewing.hold([again])

    assert lost == []


async def test_who_lets_go_of_an_old_taking_keeps_the_new_one(scene: Scene, queues: Queues) -> None:
    lost: asyncio.Queue[list[Entry]] = asyncio.Queue()
    renewing = Renewing(lost.put_nowait)
    (old,) = (await taken(scene, queues, 1)).entries
    again = replace(old, token="taken again")  # noqa: S106 - a name for a taking

    async with renewing.running(_pool(scene), _queues, RENEWED_HOLD_SECONDS):
        renewing.hold([again])
        renewing.let_go([old])

        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await lost.get() == [again]


async def test_a_thread_that_has_died_is_told_of(scene: Scene) -> None:
    def broken(_: ArqRedis) -> Queues:
        raise LookupError("a bug")

    renewing = Renewing(lambda _: None)

    async def has_died() -> bool:
        try:
            renewing.require_alive()
        except LookupError:
            return True
        return False

    async with renewing.running(_pool(scene), broken, RENEWED_HOLD_SECONDS):
        await until(has_died)


async def test_a_worker_whose_holds_nobody_renews_ends_with_the_reason(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all that it has in hand would be applied by others at the same time."""
    monkeypatch.setattr("worker.queue.renewing.RENEWALS_A_HOLD", 0)
    worker = scene.worker(Consumer)

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(ZeroDivisionError):
            await worker.async_run()


async def _end_of_hold(scene: Scene, entry: Entry) -> int:
    """In ms since the epoch."""
    return int(await scene.redis.pexpiretime(f"arq:in-progress:{entry.delivery.arq_id}"))  # type: ignore[misc]  # typed for both clients


async def _give_to(scene: Scene, entry: Entry, token: str) -> None:
    await scene.redis.set(f"arq:in-progress:{entry.delivery.arq_id}", token)


def _give_at_once(scene: Scene, entry: Entry) -> None:
    """Before the loop does anything else."""
    path = urlsplit(scene.settings.resolved_redis_url.get_secret_value()).path
    with blocking.Redis(unix_socket_path=path) as redis:
        redis.set(f"arq:in-progress:{entry.delivery.arq_id}", entry.token)
