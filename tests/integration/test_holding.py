"""Taking, holding, settling and putting back, on a real Valkey."""

from typing import Any

import pytest
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus

from tests.waiting import until
from tests.workers import Scene
from worker.deliveries import Deferred, HandedBack, Parked
from worker.holding import Queue, Take

MANY_BYTES = 1024 * 1024
HOLD_SECONDS = 30.0


@pytest.fixture
def queue(scene: Scene) -> Queue:
    return Queue(scene.redis, "arq:queue", HOLD_SECONDS)


async def fill(scene: Scene, number: int) -> list[str]:
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(number)])
    return [str(handle.job.id) for handle in handles]


def names(take: Take) -> list[str]:
    return [entry.delivery.arq_id for entry in take.entries]


async def let_holds_run_out(scene: Scene) -> None:
    """As time would: the keys are gone and the scores are in the past."""
    for name in await scene.redis.keys("arq:in-progress:*"):
        await scene.redis.delete(name)
    for name, _ in await scene.redis.zrange("arq:queue", 0, -1, withscores=True):
        await scene.redis.zadd("arq:queue", {name: 1})


async def test_what_is_held_is_taken_by_nobody_else(scene: Scene, queue: Queue) -> None:
    ids = await fill(scene, 3)

    first, second = await queue.take(10, MANY_BYTES), await queue.take(10, MANY_BYTES)

    assert (names(first), names(second)) == (ids, [])
    assert await ArqJob(ids[0], scene.redis).status() is JobStatus.in_progress
    assert second.next_due_seconds == pytest.approx(HOLD_SECONDS, abs=1.0)


async def test_a_take_is_bounded_in_jobs(scene: Scene, queue: Queue) -> None:
    ids = await fill(scene, 3)

    take = await queue.take(2, MANY_BYTES)

    assert (names(take), take.is_full) == (ids[:2], True)


async def test_a_take_is_bounded_in_bytes_but_never_empty(scene: Scene, queue: Queue) -> None:
    ids = await fill(scene, 3)
    size = await scene.redis.strlen(f"arq:job:{ids[0]}")

    takes = [await queue.take(10, limit) for limit in (1, size, 10 * size)]

    assert [names(take) for take in takes] == [[name] for name in ids]
    assert [take.is_full for take in takes] == [True, True, False]


async def test_deferred_entries_are_not_taken_before_their_time(scene: Scene, queue: Queue) -> None:
    (name,) = await fill(scene, 1)
    await scene.redis.zincrby("arq:queue", 60_000, name)

    take = await queue.take(10, MANY_BYTES)

    assert take.entries == []
    assert take.next_due_seconds == pytest.approx(60, abs=1.0)


async def test_what_was_orphaned_comes_back_and_is_counted(scene: Scene, queue: Queue) -> None:
    ids = await fill(scene, 1)
    await queue.take(10, MANY_BYTES)
    await let_holds_run_out(scene)

    again = await queue.take(10, MANY_BYTES)

    assert names(again) == ids
    assert again.entries[0].delivery.count == 2


async def test_holds_are_renewed_as_long_as_the_block_lasts(scene: Scene) -> None:
    short = Queue(scene.redis, "arq:queue", hold_seconds=0.3)
    (name,) = await fill(scene, 1)
    take = await short.take(10, MANY_BYTES)
    first_end = await scene.redis.zscore("arq:queue", name)

    async def has_outlived_three_holds() -> bool:
        end = await scene.redis.zscore("arq:queue", name)
        return end is not None and end > first_end + 900

    async with short.holding(take, take.entries):
        await until(has_outlived_three_holds)

        assert await short.settle(take, take.entries, [Parked("done")]) == 0


async def test_who_lost_his_hold_changes_nothing(scene: Scene, queue: Queue) -> None:
    ids = await fill(scene, 2)
    late = await queue.take(10, MANY_BYTES)
    await let_holds_run_out(scene)
    holder = await queue.take(10, MANY_BYTES)

    lost = await queue.settle(late, late.entries, [Parked("done"), Deferred(0.0)])

    assert lost == 2
    assert names(await queue.take(10, MANY_BYTES)) == []
    assert await queue.settle(holder, holder.entries, [Parked("done")] * 2) == 0
    assert await scene.keys() == set()
    assert len(ids) == 2


async def test_what_is_given_back_stands_where_it_stood_uncounted(
    scene: Scene, queue: Queue
) -> None:
    ids = await fill(scene, 3)
    scores = await scene.redis.zrange("arq:queue", 0, -1, withscores=True)
    take = await queue.take(10, MANY_BYTES)

    await queue.give_back(take, take.entries)

    assert await scene.redis.zrange("arq:queue", 0, -1, withscores=True) == scores
    again = await queue.take(10, MANY_BYTES)
    assert names(again) == ids
    assert {entry.delivery.count for entry in again.entries} == {1}


@pytest.mark.parametrize(("disposition", "seconds"), [(Deferred(2.0), 2.0), (HandedBack(), 0.02)])
async def test_what_is_put_back_waits_and_is_not_counted(
    scene: Scene, queue: Queue, disposition: Any, seconds: float
) -> None:
    (name,) = await fill(scene, 1)
    take = await queue.take(10, MANY_BYTES)
    now, microseconds = await scene.redis.time()

    await queue.settle(take, take.entries, [disposition])

    due = await scene.redis.zscore("arq:queue", name)
    assert due is not None
    assert due / 1000 - (now + microseconds / 1e6) == pytest.approx(seconds, abs=0.5)
    assert await scene.redis.get(f"arq:retry:{name}") == b"0"
    assert not await scene.redis.exists(f"arq:in-progress:{name}")


async def test_an_entry_deleted_meanwhile_does_not_come_back(scene: Scene, queue: Queue) -> None:
    (name,) = await fill(scene, 1)
    take = await queue.take(10, MANY_BYTES)
    await scene.redis.zrem("arq:queue", name)

    await queue.settle(take, take.entries, [Deferred(0.0)])

    assert await scene.redis.zscore("arq:queue", name) is None


async def test_keys_of_the_wrong_type_do_not_stop_the_queue(scene: Scene, queue: Queue) -> None:
    ids = await fill(scene, 1)
    await scene.redis.zadd("arq:queue", {"odd": 1})
    await scene.redis.sadd("arq:job:odd", "a set")  # type: ignore[misc]  # typed for both clients
    await scene.redis.set("arq:retry:odd", "many")

    take = await queue.take(10, MANY_BYTES)

    assert names(take) == ["odd", *ids]
