"""Workers are replaced one by one under load: no attempt is used up, nothing is late (F03)."""

import asyncio
import signal
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

import pytest

from jobs.envelope import AnyJob
from tests.survival.processes import end, worker_process
from tests.waiting import until
from tests.workers import Scene

pytestmark = pytest.mark.timeout(300)
"""Six workers start one after another, which takes long where all are at work."""

RESTARTS = 5
JOBS_BETWEEN = 400
PATIENCE_SECONDS = 60.0
HOLD_SECONDS = 90.0
"""Longer than this test has patience: what was not given back would come too late for it."""
BUSY_MACHINE = 2
"""Others' tests run beside it, and not always the same."""


async def test_five_rolling_restarts_use_up_no_attempt(scene: Scene) -> None:
    """And no job waits longer than the drain and what a new worker needs without any restart."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": HOLD_SECONDS})
    drains: list[float] = []
    waits: list[float] = []
    async with AsyncExitStack() as stack:
        begun = await _sent(scene)
        old = await stack.enter_async_context(worker_process(scene.settings))
        undisturbed = await _longest_wait(scene, begun, JOBS_BETWEEN)
        for number in range(1, RESTARTS + 1):
            begun, sent = await _sent(scene), number * JOBS_BETWEEN
            await until(partial(_is_at_work, scene, sent), PATIENCE_SECONDS)
            new = await stack.enter_async_context(worker_process(scene.settings))

            drains.append(await _drained(old))
            assert not await _held_by_nobody(scene)
            waits.append(await _longest_wait(scene, begun, sent + JOBS_BETWEEN))
            old = new

    assert await scene.engine.count("job", scene.cast.tenant_id, "attempts > 1") == 0
    assert max(waits) <= max(drains) + BUSY_MACHINE * undisturbed


async def _sent(scene: Scene) -> datetime:
    """So many jobs more; when, by the database's clock."""
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS_BETWEEN)]
    (row,) = await scene.engine.execute("SELECT clock_timestamp() AS now")
    await scene.producer.enqueue_many(jobs)
    begun: datetime = row["now"]
    return begun


async def _is_at_work(scene: Scene, least: int) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) > least


async def _drained(worker: Process) -> float:
    """It was told to stop, and has: seconds that this took."""
    clock = asyncio.get_running_loop().time
    told = clock()
    assert await end(worker, signal.SIGTERM) == 0
    return clock() - told


async def _longest_wait(scene: Scene, begun: datetime, number: int) -> float:
    """Seconds until the last of so many tasks was there."""
    await until(partial(_are_applied, scene, number), PATIENCE_SECONDS)
    (row,) = await scene.engine.execute("SELECT max(settled_at) AS last FROM taskrail.job")
    last: datetime = row["last"]
    return (last - begun).total_seconds()


async def _are_applied(scene: Scene, number: int) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) == number


async def _held_by_nobody(scene: Scene) -> set[bytes]:
    """Entries that were taken more than once: who stopped had not given them back."""
    names = [name async for name in scene.redis.scan_iter("arq:retry:*")]
    counts = await scene.redis.mget(names) if names else []
    return {name for name, n in zip(names, counts, strict=True) if n not in {None, b"0", b"1"}}
