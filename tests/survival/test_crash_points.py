"""Wherever a worker dies, breaks or freezes: its jobs are settled, each once."""

import signal

import pytest

from tests.history.crippled import Crippled, crippled
from tests.history.directed import Directed
from tests.history.failpoints import POINTS
from tests.waiting import until
from worker.consumer import Consumer


@pytest.mark.parametrize("how", ["exit", "raise", "stall"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_may_fail_anywhere_and_nothing_is_lost_or_done_twice(
    directed: Directed, point: str, how: str
) -> None:
    scene = directed.scene
    jobs = directed.lives()
    await directed.record(jobs[::2])
    await directed.enqueue(jobs[1::2])

    async with crippled(scene.settings, strike=(point, how)) as victim:
        await until(lambda: _is_over(victim, directed, how))
        assert victim.struck.is_set()
        async with scene.running(Consumer):
            is_drained = await directed.drained(seconds=60)
        await _come_back(victim)

    assert is_drained
    assert await directed.violations() == []


async def _is_over(victim: Crippled, directed: Directed, how: str) -> bool:
    """It was struck for good; an error it may have borne, too, and done all its work."""
    return await victim.has_stopped() or (how == "raise" and await directed.is_empty())


async def _come_back(victim: Crippled) -> None:
    """A frozen one wakes up as if nothing had happened, finishes what it was at, and leaves."""
    victim.signal(signal.SIGCONT)
    victim.signal(signal.SIGTERM)
    await until(victim.has_ended)
