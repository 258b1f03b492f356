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

RESTARTS, JOBS = 5, 1_000
PATIENCE_SECONDS = 60.0
HOLD_SECONDS = 90.0
"""Longer than this test has patience: what was not given back would come too late for it."""
TRACKS = "t"
"""The flag of a client that Redis tells what changes: a worker's bell."""
BUSY_MACHINE, HICCUP_SECONDS = 2, 1.0
"""Others' tests run beside it, and not always the same."""


async def test_five_rolling_restarts_use_up_no_attempt(scene: Scene) -> None:
    """And no job waits longer than without a restart and, besides, the drain."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": HOLD_SECONDS})
    undisturbed: list[float] = []
    drains: list[float] = []
    waits: list[float] = []
    async with AsyncExitStack() as stack:
        old = await _started(scene, stack, 1)
        for number in range(RESTARTS):
            done = 2 * JOBS * number
            undisturbed.append(await _longest_wait(scene, await _sent(scene), done + JOBS))
            new = await _started(scene, stack, 2)
            begun = await _sent(scene)
            await until(partial(_is_at_work, scene, done + JOBS), PATIENCE_SECONDS)

            drains.append(await _drained(old))
            assert not await _held_by_nobody(scene)
            waits.append(await _longest_wait(scene, begun, done + 2 * JOBS))
            old = new

    assert await scene.engine.count("job", scene.cast.tenant_id, "attempts > 1") == 0
    usual = BUSY_MACHINE * max(undisturbed) + HICCUP_SECONDS
    assert max(waits) <= max(drains) + usual


async def _started(scene: Scene, stack: AsyncExitStack, workers: int) -> Process:
    """A worker more, which waits for jobs by now, as all so many do."""
    worker = await stack.enter_async_context(worker_process(scene.settings))
    await until(partial(_are_waiting, scene, workers), PATIENCE_SECONDS)
    return worker


async def _are_waiting(scene: Scene, workers: int) -> bool:
    clients = await scene.redis.client_list()
    return sum(TRACKS in client["flags"] for client in clients) == workers


async def _sent(scene: Scene) -> datetime:
    """So many jobs more; when, by the database's clock."""
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS)]
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
