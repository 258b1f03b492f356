"""Milliseconds from the moment at which a job was to be enqueued, at 10, 100 and 500 jobs/s.

`product`: until its outcome is known to the producer, jobs of mixed kinds in order, one worker
process. The outcome is pushed after the commit, so this is an upper bound of enqueue -> committed,
which nothing outside the worker can see; p50_ms to p99_ms are this bound and outcome_p50_ms and
outcome_p99_ms the same measurement under its own name. `peers`: until the no-op begins to run,
which is less than until it is done.

Arrivals are an open loop, Poisson, the same moments for everybody: a job that is sent late because
the one before was slow counts from when it was due.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from benchmarks.arrivals import percentile, poisson
from benchmarks.driving import WARMING_JOBS, Driver, driving
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.rivals import PEERS, install, rival
from benchmarks.stage import Stage, staged
from jobs.envelope import AnyJob

RATES = (10, 100, 500)
SECONDS = {10: 30.0, 100: 20.0, 500: 10.0}
SMOKE_SECONDS = 1.0
ROUNDS = len(RATES)
PERCENTS = (50, 95, 99)

Figures = dict[str, float]


async def run(
    *,
    smoke: bool = False,
    peers: Sequence[str] | None = None,
    on_round: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Percentiles by rate. `peers`: those to run, by default all, in a smoke run none."""
    chosen = tuple(PEERS) if peers is None and not smoke else tuple(peers or ())
    await install(chosen)
    product: dict[str, Figures] = {}
    others: dict[str, dict[str, Figures]] = {peer: {} for peer in chosen}
    async with staged() as stage, driving(stage) as driver:
        for rate in RATES:
            moments = poisson(rate, SMOKE_SECONDS if smoke else SECONDS[rate])
            product[str(rate)] = await _product(stage, driver, moments)
            for peer in chosen:
                others[peer][str(rate)] = await _peer(stage, peer, moments)
            on_round(f"{rate} jobs/s")
    return {"product": product, "peers": others}


async def _product(stage: Stage, driver: Driver, moments: Sequence[float]) -> Figures:
    async with running(WORKER, leading_to(stage.settings)):
        await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
        jobs = stage.workload.stream(len(moments))
        started = perf_counter()
        async with asyncio.TaskGroup() as group:
            waiting = []
            for moment, job in zip(moments, jobs, strict=False):
                await asyncio.sleep(max(0.0, started + moment - perf_counter()))
                waiting.append(group.create_task(_known_after(driver, job, started + moment)))
    known = [task.result() for task in waiting]
    outcome = {f"outcome_p{percent}_ms": percentile(known, percent) for percent in (50, 99)}
    return _percentiles(known) | outcome


async def _known_after(driver: Driver, job: AnyJob, due: float) -> float:
    handle = await driver.producer.enqueue(job)
    outcome = await handle.outcome()
    late = (perf_counter() - due) * 1000
    if outcome["status"] != "applied":
        raise RuntimeError(f"a job of the workload was {outcome['status']}")
    return late


async def _peer(stage: Stage, peer: str, moments: list[float]) -> Figures:
    async with rival(peer, stage.settings) as working:
        return _percentiles(await working.delays(moments))


def _percentiles(late: Sequence[float]) -> Figures:
    return {f"p{percent}_ms": percentile(late, percent) for percent in PERCENTS}
