"""Taking, holding, settling and putting back, on a real Valkey."""

from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus

from jobs.producer import Producer
from tests.waiting import until
from tests.workers import Scene
from worker.deliveries import Deferred, HandedBack, Kept
from worker.queue.holding import Queues, Take

MANY_BYTES = 1024 * 1024
HOLD_SECONDS = 30.0


@pytest.fixture
def queues(scene: Scene) -> Queues:
    return _queues(scene.redis)


async def fill(scene: Scene, number: int) -> list[str]:
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(number)])
    return [str(handle.job.id) for handle in handles]


async def plant(scene: Scene, queue: str, number: int, size: int) -> None:
    for n in range(number):
        await scene.redis.set(f"arq:job:{queue}-{n}", b"x" * size)
        await scene.redis.zadd(queue, {f"{queue}-{n}": n})


def names(take: Take) -> list[str]:
    return [entry.delivery.arq_id for entry in take.entries]


def _by_queue(take: Take) -> list[int]:
    return [sum(entry.queue == place for entry in take.entries) for place in (0, 1)]


def _queues(redis: ArqRedis) -> Queues:
    return Queues(redis, {"arq:queue": 1}, HOLD_SECONDS)


def _short_queues(redis: ArqRedis) -> Queues:
    return Queues(redis, {"arq:queue": 1}, hold_seconds=0.3)


async def let_holds_run_out(scene: Scene) -> None:
    """As time would: the keys are gone and the scores are in the past."""
    for name in await scene.redis.keys("arq:in-progress:*"):
        await scene.redis.delete(name)
    for name, _ in await scene.redis.zrange("arq:queue", 0, -1, withscores=True):
        await scene.redis.zadd("arq:queue", {name: 1})


async def _are_free(scene: Scene, ids: list[str]) -> bool:
    """Their holds have ended, and their time has come."""
    scores = [await scene.redis.zscore("arq:queue", name) or 0.0 for name in ids]
    held = await scene.redis.exists(*(f"arq:in-progress:{name}" for name in ids))
    return not held and max(scores) <= await now_ms(scene)


async def now_ms(scene: Scene) -> float:
    """By Redis's clock, since the epoch."""
    seconds, microseconds = await scene.redis.time()
    return float(seconds * 1000 + microseconds / 1000)


async def test_what_is_held_is_taken_by_nobody_else(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 3)

    first, second = await queues.take(10, MANY_BYTES), await queues.take(10, MANY_BYTES)

    assert (names(first), names(second)) == (ids, [])
    assert await ArqJob(ids[0], scene.redis).status() is JobStatus.in_progress


async def test_a_take_is_bounded_in_jobs(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 3)

    take = await queues.take(2, MANY_BYTES)

    assert (names(take), take.is_full) == (ids[:2], True)


async def test_a_take_is_bounded_in_bytes_but_never_empty(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 3)
    size = await scene.redis.strlen(f"arq:job:{ids[0]}")

    takes = [await queues.take(10, limit) for limit in (1, size, 10 * size)]

    assert [names(take) for take in takes] == [[name] for name in ids]
    assert [take.is_full for take in takes] == [True, True, False]


async def test_deferred_entries_are_not_taken_before_their_time(
    scene: Scene, queues: Queues
) -> None:
    (name,), before = await fill(scene, 1), await now_ms(scene)
    await scene.redis.zadd("arq:queue", {name: before + 60_000})

    assert names(await queues.take(10, MANY_BYTES)) == []


async def test_what_was_orphaned_comes_back_and_is_counted(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 1)
    await queues.take(10, MANY_BYTES)
    await let_holds_run_out(scene)

    again = await queues.take(10, MANY_BYTES)

    assert names(again) == ids
    assert again.entries[0].delivery.count == 2


async def test_what_was_orphaned_goes_before_the_backlog(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 5)
    await _short_queues(scene.redis).take(2, MANY_BYTES)
    await until(lambda: _are_free(scene, ids[:2]))

    first = await queues.take(3, MANY_BYTES)

    assert names(first) == ids[:3]
    assert [entry.delivery.count for entry in first.entries] == [2, 2, 1]


async def test_an_orphan_that_was_put_elsewhere_is_not_taken_early(
    scene: Scene, queues: Queues
) -> None:
    (name,) = await fill(scene, 1)
    await _short_queues(scene.redis).take(1, MANY_BYTES)
    await until(lambda: _are_free(scene, [name]))
    await scene.redis.zincrby("arq:queue", 60_000, name)

    assert names(await queues.take(3, MANY_BYTES)) == []
    assert await scene.keys() == {"arq:queue", f"arq:job:{name}", f"arq:retry:{name}"}


async def test_each_queue_gives_its_share_and_what_one_leaves_free_the_others_use(
    scene: Scene,
) -> None:
    await fill(scene, 20)
    other = Producer(scene.redis, queue_name="other")
    await other.enqueue_many([scene.cast.task() for _ in range(4)])
    queues = Queues(scene.redis, {"arq:queue": 3, "other": 1}, HOLD_SECONDS)

    first, second, third = [await queues.take(8, MANY_BYTES) for _ in range(3)]

    assert [_by_queue(take) for take in (first, second)] == [[6, 2], [6, 2]]
    assert _by_queue(third) == [8, 0]
    assert third.is_full


@pytest.mark.parametrize(("most", "shared"), [(4, [3, 1]), (3, [2, 1]), (2, [1, 1]), (1, [1, 1])])
async def test_a_queue_with_a_small_share_gives_one_entry_at_least(
    scene: Scene, most: int, shared: list[int]
) -> None:
    await plant(scene, "large", 20, size=1)
    await plant(scene, "small", 20, size=1)
    queues = Queues(scene.redis, {"large": 9, "small": 1}, HOLD_SECONDS)

    assert _by_queue(await queues.take(most, MANY_BYTES)) == shared


async def test_a_queue_of_large_payloads_leaves_the_others_their_share_of_the_bytes(
    scene: Scene,
) -> None:
    await plant(scene, "large", 8, size=1000)
    await plant(scene, "small", 8, size=100)
    queues = Queues(scene.redis, {"large": 1, "small": 1}, HOLD_SECONDS)

    takes = [await queues.take(100, 2000) for _ in range(3)]

    # Of the bytes that the small ones leave free, too few are left for a large one.
    assert [_by_queue(take) for take in takes] == [[1, 8], [2, 0], [2, 0]]
    assert [take.is_full for take in takes] == [True, True, True]


async def test_payloads_larger_than_the_share_of_their_queue_do_not_starve(scene: Scene) -> None:
    await plant(scene, "small", 20, size=400)
    await plant(scene, "large", 2, size=1500)
    queues = Queues(scene.redis, {"small": 1, "large": 1}, HOLD_SECONDS)

    takes = [await queues.take(100, 2000) for _ in range(2)]

    assert [_by_queue(take) for take in takes] == [[2, 1], [2, 1]]


async def test_a_score_that_is_no_time_is_taken_as_a_very_old_one(
    scene: Scene, queues: Queues
) -> None:
    ids = await fill(scene, 1)
    await scene.redis.zadd("arq:queue", {ids[0]: "-inf"})

    take = await queues.take(10, MANY_BYTES)

    assert [entry.score for entry in take.entries] == [0.0]
    assert await queues.give_back(take.entries) == 0
    assert names(await queues.take(10, MANY_BYTES)) == ids


async def test_entries_of_all_queues_are_settled_together(scene: Scene) -> None:
    await fill(scene, 2)
    await Producer(scene.redis, queue_name="other").enqueue(scene.cast.task())
    queues = Queues(scene.redis, {"other": 1, "arq:queue": 1}, HOLD_SECONDS)
    take = await queues.take(10, MANY_BYTES)

    assert await queues.settle(take.entries, [Kept("done")] * 3) == 0

    assert await scene.keys() == set()


async def test_who_lost_his_hold_changes_nothing(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 2)
    late = await queues.take(10, MANY_BYTES)
    await let_holds_run_out(scene)
    holder = await queues.take(10, MANY_BYTES)

    lost = await queues.settle(late.entries, [Kept("done"), Deferred(0.0)])

    assert lost == 2
    assert names(await queues.take(10, MANY_BYTES)) == []
    assert await queues.settle(holder.entries, [Kept("done")] * 2) == 0
    assert await scene.keys() == set()
    assert len(ids) == 2


async def test_what_is_given_back_stands_where_it_stood_uncounted(
    scene: Scene, queues: Queues
) -> None:
    ids = await fill(scene, 3)
    scores = await scene.redis.zrange("arq:queue", 0, -1, withscores=True)
    take = await queues.take(10, MANY_BYTES)

    await queues.give_back(take.entries)

    assert await scene.redis.zrange("arq:queue", 0, -1, withscores=True) == scores
    again = await queues.take(10, MANY_BYTES)
    assert names(again) == ids
    assert {entry.delivery.count for entry in again.entries} == {1}


@pytest.mark.parametrize(("disposition", "seconds"), [(Deferred(2.0), 2.0), (HandedBack(), 0.02)])
async def test_what_is_put_back_waits_and_is_not_counted(
    scene: Scene, queues: Queues, disposition: Any, seconds: float
) -> None:
    (name,) = await fill(scene, 1)
    take = await queues.take(10, MANY_BYTES)
    before = await now_ms(scene)

    await queues.settle(take.entries, [disposition])

    due, after = await scene.redis.zscore("arq:queue", name), await now_ms(scene)
    assert due is not None
    assert before <= due - 1000 * seconds <= after
    assert await scene.redis.get(f"arq:retry:{name}") == b"0"
    assert not await scene.redis.exists(f"arq:in-progress:{name}")


async def test_an_entry_deleted_meanwhile_does_not_come_back(scene: Scene, queues: Queues) -> None:
    (name,) = await fill(scene, 1)
    take = await queues.take(10, MANY_BYTES)
    await scene.redis.zrem("arq:queue", name)

    await queues.settle(take.entries, [Deferred(0.0)])

    assert await scene.redis.zscore("arq:queue", name) is None


async def test_keys_of_the_wrong_type_do_not_stop_the_queue(scene: Scene, queues: Queues) -> None:
    ids = await fill(scene, 1)
    await scene.redis.zadd("arq:queue", {"odd": 1})
    await scene.redis.sadd("arq:job:odd", "a set")  # type: ignore[misc]  # typed for both clients
    await scene.redis.set("arq:retry:odd", "many")

    take = await queues.take(10, MANY_BYTES)

    assert names(take) == ["odd", *ids]
