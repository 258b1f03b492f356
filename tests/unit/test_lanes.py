"""What is being applied is broken off when it was lost, and none of it is left in no hands."""

import asyncio

from jobs.codec import Poison
from tests.waiting import PATIENCE_SECONDS
from worker.deliveries import Delivery
from worker.queue.holding import Entry
from worker.queue.lanes import Lanes


def entry(name: bytes) -> Entry:
    delivery = Delivery(name.decode(), Poison(b"", "unreadable", "not JSON"))
    return Entry(0, name, "token", delivery, 1.0, 0.0, ((), ()), 1)


async def test_a_batch_that_is_lost_before_it_has_begun_is_put_down_all_the_same() -> None:
    put_down: list[Entry] = []

    async def apply(entries: list[Entry]) -> None:
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
        except asyncio.CancelledError:
            put_down.extend(entries)

    lanes = Lanes(1, apply)
    lost, kept = entry(b"lost"), entry(b"kept")
    lanes.waiting = [lost, kept]

    lanes.start(10, 10)
    lanes.give_up([lost])
    await lanes.end()

    assert put_down == [lost, kept]
