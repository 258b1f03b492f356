"""Seconds from the SIGKILL of a worker until the last job that it held is committed elsewhere.

Two real worker processes on default settings, a queue that is never empty; the one that dies holds
a batch at that moment. Its jobs are those whose in-progress keys carry a token that stood there
right after the kill and belonged to no one else: the survivor's are settled or renewed meanwhile,
the dead one's stay as they are until their hold ends.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from benchmarks.driving import Driver, driving
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.stage import Stage, staged

ROUNDS, SMOKE_ROUNDS = 8, 1
JOBS = 6_000
"""More than two workers settle before the kill."""
LOOK_SECONDS = 0.002
LONGEST_SECONDS = 60.0
SETTLED = "SELECT count(*) FROM taskrail.job WHERE id = ANY($1::uuid[]) AND status = 'applied'"


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """seconds: one for each kill; worst."""
    seconds: list[float] = []
    async with staged() as stage, driving(stage) as driver:
        while len(seconds) < (SMOKE_ROUNDS if smoke else ROUNDS):
            found = await _trial(stage, driver)
            if found is not None:
                seconds.append(round(found, 2))
                on_round(f"kill {len(seconds)}")
    return {"seconds": seconds, "worst": max(seconds)}


async def _trial(stage: Stage, driver: Driver) -> float | None:
    """None if the victim happened to hold nothing when it died."""
    async with running(WORKER, leading_to(stage.settings), 2) as (victim, _):
        await driver.rate(stage.workload.stream(JOBS // 10), ordered=True)
        jobs = stage.workload.stream(JOBS)
        await driver.producer.enqueue_many(jobs)
        await _until(lambda: _holds(driver))
        victim.kill()
        killed = perf_counter()
        await victim.wait()
        orphans = await _orphans(driver)
        if not orphans:
            await _until(lambda: _is_empty(driver))
            return None
        await _until(lambda: _are_settled(driver, orphans))
        seconds = perf_counter() - killed
        await _until(lambda: _is_empty(driver))
        return seconds


async def _holds(driver: Driver) -> bool:
    return bool(await _tokens(driver))


async def _orphans(driver: Driver) -> list[str]:
    """Ids that are still held by a token that was there at the kill, and are not settled soon."""
    at_kill = await _tokens(driver)
    await asyncio.sleep(1.0)  # the survivor has settled what it had by then
    now = await _tokens(driver)
    return [name for name, token in at_kill.items() if now.get(name) == token]


async def _tokens(driver: Driver) -> dict[str, bytes]:
    prefix = "arq:in-progress:"
    names = [name async for name in driver.redis.scan_iter(match=prefix + "*", count=10_000)]
    values = await driver.redis.mget(names) if names else []
    held = zip(names, values, strict=True)
    return {name.decode().removeprefix(prefix): token for name, token in held if token is not None}


async def _are_settled(driver: Driver, names: list[str]) -> bool:
    return bool(await driver.postgres.fetchval(SETTLED, names) == len(names))


async def _is_empty(driver: Driver) -> bool:
    return not await driver.redis.zcard(driver.queue_name)


async def _until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(LONGEST_SECONDS):
        while not await condition():  # noqa: ASYNC110 - other processes make it true
            await asyncio.sleep(LOOK_SECONDS)
