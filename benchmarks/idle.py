"""What workers cost while there is nothing to do, and how many of them move when one job comes.

With 1 and with 4 worker processes, all of them together: `cpu_seconds_per_second`, of their own, as
Linux counts it for each thread; `redis_trips_per_second`, counted by a socket in front of Redis;
`consumers_that_take`, how many of them ask for jobs until a lone job is settled: one if nobody is
woken in vain. It is the mean of jobs that come when all have been idle for a while.
"""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import mean
from time import perf_counter

from benchmarks.driving import WARMING_JOBS, Driver, driving
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.stage import Stage, staged
from benchmarks.trips import Trips, counted
from worker.queue.holding import script

PROCESSES = (1, 4)
ROUNDS = len(PROCESSES)
IDLE_SECONDS, SMOKE_IDLE_SECONDS = 60.0, 2.0
CALM_SECONDS, SMOKE_CALM_SECONDS = 5.0, 0.5
"""What the last jobs left to do is done by then: events, statistics of the worker's loops."""
LONE_JOBS, SMOKE_LONE_JOBS = 50, 5
PAUSE_SECONDS = 0.3
NANOSECONDS = 1e9

Figures = dict[str, float]


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, Figures]:
    """Figures by number of worker processes."""
    found: dict[str, Figures] = {}
    async with staged() as stage, driving(stage) as driver:
        for number in PROCESSES:
            async with _workers(stage, number) as (workers, trips):
                await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
                await asyncio.sleep(SMOKE_CALM_SECONDS if smoke else CALM_SECONDS)
                idle = SMOKE_IDLE_SECONDS if smoke else IDLE_SECONDS
                jobs = SMOKE_LONE_JOBS if smoke else LONE_JOBS
                found[str(number)] = {
                    **await _at_rest(workers, trips, idle),
                    "consumers_that_take": await _woken(stage, driver, trips, jobs),
                }
            on_round(f"{number} workers")
    return found


@asynccontextmanager
async def _workers(stage: Stage, number: int) -> AsyncIterator[tuple[list[Process], list[Trips]]]:
    """Each with a way to Redis of its own, on which its takings are counted."""
    socket = stage.settings.resolved_redis_url.get_secret_value().removeprefix("unix://")
    taking = script(stage.runtime.redis, "take").sha.encode()
    async with AsyncExitStack() as stack:
        workers: list[Process] = []
        trips: list[Trips] = []
        for _ in range(number):
            path, counts = await stack.enter_async_context(counted(socket, taking))
            environment = leading_to(stage.settings) | {"TASKRAIL_REDIS_URL": f"unix://{path}"}
            workers += await stack.enter_async_context(running(WORKER, environment))
            trips.append(counts)
        yield workers, trips


async def _at_rest(
    workers: Sequence[Process], trips: Sequence[Trips], idle_seconds: float
) -> Figures:
    used, made, started = _cpu_seconds(workers), _made(trips), perf_counter()
    await asyncio.sleep(idle_seconds)
    seconds = perf_counter() - started
    return {
        "cpu_seconds_per_second": round((_cpu_seconds(workers) - used) / seconds, 5),
        "redis_trips_per_second": round((_made(trips) - made) / seconds, 2),
    }


async def _woken(stage: Stage, driver: Driver, trips: Sequence[Trips], jobs: int) -> float:
    woken: list[float] = []
    for job in stage.workload.stream(jobs):
        await asyncio.sleep(PAUSE_SECONDS)
        before = [one.words for one in trips]
        await (await driver.producer.enqueue(job)).outcome()
        woken.append(
            float(sum(one.words > known for one, known in zip(trips, before, strict=True)))
        )
    return round(mean(woken), 2)


def _made(trips: Sequence[Trips]) -> int:
    return sum(one.number for one in trips)


def _cpu_seconds(workers: Sequence[Process]) -> float:
    """Of all threads so far; nothing is rounded to clock ticks, as it is in /proc/PID/stat."""
    threads = [path for one in workers for path in Path(f"/proc/{one.pid}/task").iterdir()]
    spent = [int((path / "schedstat").read_text("ascii").split()[0]) for path in threads]
    return sum(spent) / NANOSECONDS
