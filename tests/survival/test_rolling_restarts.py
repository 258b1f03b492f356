"""Workers are replaced one by one under load: no attempt is used up, nothing is late (F03)."""

import signal
from contextlib import AsyncExitStack
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


async def test_five_rolling_restarts_use_up_no_attempt(scene: Scene) -> None:
    """Who was slow to give back what he held would be waited for in vain: it is held for long."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": 120.0})
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(worker_process(scene.settings))
        for number in range(RESTARTS):
            sent = number * JOBS_BETWEEN
            jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS_BETWEEN)]
            await scene.producer.enqueue_many(jobs)
            await until(partial(_is_at_work, scene, sent), seconds=30)
            new = await stack.enter_async_context(worker_process(scene.settings))

            assert await end(old, signal.SIGTERM) == 0
            assert not await _held_by_nobody(scene)
            await until(partial(_are_applied, scene, sent + JOBS_BETWEEN), seconds=30)
            old = new

    assert await scene.engine.count("job", scene.cast.tenant_id, "attempts > 1") == 0


async def _is_at_work(scene: Scene, least: int) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) > least


async def _are_applied(scene: Scene, number: int) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) == number


async def _held_by_nobody(scene: Scene) -> set[bytes]:
    """Entries that were taken more than once: who stopped had not given them back."""
    names = [name async for name in scene.redis.scan_iter("arq:retry:*")]
    counts = await scene.redis.mget(names) if names else []
    return {name for name, n in zip(names, counts, strict=True) if n not in {None, b"0", b"1"}}
