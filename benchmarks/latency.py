"""Milliseconds from the moment at which a job was to be enqueued, at 10, 100 and 500 jobs/s.

`product`: jobs of mixed kinds in order, one worker process; p50_ms to p99_ms until the job is
committed, flush included (commits.py), outcome_p50_ms to outcome_p99_ms until its outcome is known
to the producer. `peers`: until the no-op begins to run, which is less than until it is done.

Arrivals are an open loop, Poisson, the same moments for everybody: a job that is sent late because
the one before was slow counts from when it was due. A round is everybody once, through all rates;
figures are medians of the rounds' percentiles. At 10 jobs/s a round's 99th is its slowest job.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from statistics import median
from time import perf_counter, time
from typing import Any

from benchmarks.arrivals import percentile, poisson
from benchmarks.commits import commits, end_of_log, flush_seconds
from benchmarks.driving import WARMING_JOBS, Driver, driving
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.rivals import PEERS, install, rival
from benchmarks.stage import Stage, staged
from benchmarks.turns import taking_turns
from jobs.envelope import AnyJob

RATES = (10, 100, 500)
SECONDS = {10: 5.0, 100: 4.0, 500: 2.0}
SMOKE_SECONDS = 1.0
ROUNDS, SMOKE_ROUNDS = 3, 1
PERCENTS = (50, 95, 99)
PRODUCT = "product"

Figures = dict[str, float]
Plan = Mapping[int, list[float]]
"""Moments of arrival by rate."""


async def run(
    *,
    smoke: bool = False,
    peers: Sequence[str] | None = None,
    on_round: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Percentiles by rate. `peers`: those to run, by default all, in a smoke run none."""
    chosen = tuple(PEERS) if peers is None and not smoke else tuple(peers or ())
    plan = {rate: poisson(rate, SMOKE_SECONDS if smoke else SECONDS[rate]) for rate in RATES}
    await install(chosen)
    async with staged() as stage, driving(stage) as driver:
        contests: dict[str, Callable[[], Awaitable[dict[str, Figures]]]] = {
            PRODUCT: partial(_product, stage, driver, plan),
            **{peer: partial(_peer, stage, peer, plan) for peer in chosen},
        }
        reached = await taking_turns(contests, SMOKE_ROUNDS if smoke else ROUNDS, on_round)
    medians = {name: _medians(rounds) for name, rounds in reached.items()}
    return {PRODUCT: medians.pop(PRODUCT), "peers": medians}


async def _product(stage: Stage, driver: Driver, plan: Plan) -> dict[str, Figures]:
    async with running(WORKER, leading_to(stage.settings)):
        await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
        return {str(rate): await _served(stage, driver, plan[rate]) for rate in plan}


async def _served(stage: Stage, driver: Driver, moments: Sequence[float]) -> Figures:
    jobs = stage.workload.stream(len(moments))[: len(moments)]
    start = await end_of_log(driver.postgres)
    started_at = time()
    known, flush = await asyncio.gather(
        _known_after(driver, jobs, moments), flush_seconds(driver.postgres, moments[-1])
    )
    committed = await commits(driver.postgres, start, [job.id for job in jobs], flush)
    late = [
        (committed[job.id] - started_at - moment) * 1000
        for job, moment in zip(jobs, moments, strict=True)
    ]
    return _percentiles(late) | _percentiles(known, "outcome_")


async def _known_after(
    driver: Driver, jobs: Sequence[AnyJob], moments: Sequence[float]
) -> list[float]:
    """Milliseconds from when each job was due until its outcome was known."""
    started = perf_counter()
    async with asyncio.TaskGroup() as group:
        waiting = []
        for moment, job in zip(moments, jobs, strict=True):
            await asyncio.sleep(max(0.0, started + moment - perf_counter()))
            waiting.append(group.create_task(_known(driver, job, started + moment)))
    return [task.result() for task in waiting]


async def _known(driver: Driver, job: AnyJob, due: float) -> float:
    handle = await driver.producer.enqueue(job)
    outcome = await handle.outcome()
    late = (perf_counter() - due) * 1000
    if outcome["status"] != "applied":
        raise RuntimeError(f"a job of the workload was {outcome['status']}")
    return late


async def _peer(stage: Stage, peer: str, plan: Plan) -> dict[str, Figures]:
    async with rival(peer, stage.settings) as working:
        return {str(rate): _percentiles(await working.delays(plan[rate])) for rate in plan}


def _percentiles(late: Sequence[float], prefix: str = "") -> Figures:
    return {f"{prefix}p{percent}_ms": percentile(late, percent) for percent in PERCENTS}


def _medians(rounds: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """Of each rate's figures, over the rounds."""
    return {
        rate: {name: round(median(one[rate][name] for one in rounds), 2) for name in figures}
        for rate, figures in rounds[0].items()
    }
