"""Jobs per second from the first enqueue until the last is acknowledged, one run for all.

`product`: real jobs of mixed kinds, in order, through real worker processes: one, and `processes`
also two and four. `baseline`: the same jobs through stock Arq in a worker process of its own, one
AsyncSession transaction a job; the best of a few sizes. `helped_baseline`: that with the product's
event loop and garbage collection. `peers`: no-ops, without any transaction, each library in the
fastest configuration that it documents, one worker process.

Everybody has a driver process that enqueues in bulk while the worker works, the same servers and
empty queues; a round is everybody once, and each round begins with another. Figures are medians.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.counting import costs
from benchmarks.driving import WARMING_JOBS, Driver, driving
from benchmarks.processes import STOCK, WORKER, leading_to, running
from benchmarks.rivals import PEERS, install, rival
from benchmarks.stage import Stage, staged
from benchmarks.turns import taking_turns

ROUNDS, SMOKE_ROUNDS = 5, 1
PROCESSES, BASELINE_CONNECTIONS = (1, 2, 4), (5, 10, 20)
PRODUCT_JOBS, BASELINE_JOBS, SMOKE_JOBS = 20_000, 1_000, 140
PRODUCT = "product"
BASELINES: dict[str, tuple[str, ...]] = {"baseline": (), "helped_baseline": ("helped",)}
"""What follows the number of connections on the command line of `benchmarks.stock`."""

Contest = Callable[[], Awaitable[float]]


async def run(
    *,
    smoke: bool = False,
    peers: Sequence[str] | None = None,
    on_round: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """All figures. `peers`: those to run, by default all, in a smoke run none."""
    chosen = tuple(PEERS) if peers is None and not smoke else tuple(peers or ())
    await install(chosen)
    async with staged() as stage, driving(stage) as driver:
        contests = await _contests(stage, driver, chosen, smoke=smoke)
        rates = await taking_turns(contests, SMOKE_ROUNDS if smoke else ROUNDS, on_round)
        asked = await costs(stage, driver, SMOKE_JOBS if smoke else PRODUCT_JOBS)
    return _figures({name: round(median(all_), 1) for name, all_ in rates.items()}, chosen) | asked


async def _contests(
    stage: Stage, driver: Driver, peers: Sequence[str], *, smoke: bool
) -> dict[str, Contest]:
    """Everybody's way to run once, by name."""
    jobs = SMOKE_JOBS if smoke else PRODUCT_JOBS
    baseline_jobs = SMOKE_JOBS if smoke else BASELINE_JOBS

    def product(number: int) -> Contest:
        return lambda: _product(stage, driver, number, jobs)

    def peer(name: str) -> Contest:
        return lambda: _peer(stage, name, SMOKE_JOBS if smoke else PEERS[name])

    async def baseline(*helped: str) -> Contest:
        sizes = BASELINE_CONNECTIONS[:1] if smoke else BASELINE_CONNECTIONS
        most = await _best_connections(stage, driver, sizes, helped)
        return lambda: _baseline(stage, driver, most, helped, baseline_jobs)

    return {
        **{f"{PRODUCT} {number}": product(number) for number in PROCESSES},
        **{name: await baseline(*helped) for name, helped in BASELINES.items()},
        **{name: peer(name) for name in peers},
    }


async def _product(stage: Stage, driver: Driver, processes: int, jobs: int) -> float:
    async with running(WORKER, leading_to(stage.settings), processes):
        await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
        return await driver.rate(stage.workload.stream(jobs), ordered=True)


async def _baseline(
    stage: Stage, driver: Driver, connections: int, helped: Sequence[str], jobs: int
) -> float:
    async with running((*STOCK, str(connections), *helped), leading_to(stage.settings)):
        await driver.rate(stage.workload.stream(min(jobs, WARMING_JOBS)), ordered=False)
        return await driver.rate(stage.workload.stream(jobs), ordered=False)


async def _peer(stage: Stage, name: str, jobs: int) -> float:
    async with rival(name, stage.settings) as peer:
        return await peer.rate(jobs)


async def _best_connections(
    stage: Stage, driver: Driver, sizes: Sequence[int], helped: Sequence[str]
) -> int:
    """How many jobs at once suit the baseline best on this machine."""
    if len(sizes) == 1:
        return sizes[0]
    found = {size: await _baseline(stage, driver, size, helped, BASELINE_JOBS) for size in sizes}
    return max(found, key=lambda size: found[size])


def _figures(medians: Mapping[str, float], peers: Sequence[str]) -> dict[str, Any]:
    product = medians[f"{PRODUCT} 1"]
    best = max(peers, key=lambda peer: medians[peer], default=None)
    return {
        "product": product,
        **{name: medians[name] for name in BASELINES},
        **{f"ratio_to_{name}": round(product / medians[name], 2) for name in BASELINES},
        "peers": {peer: medians[peer] for peer in peers},
        "best_peer": best,
        "ratio_to_best_peer": None if best is None else round(product / medians[best], 2),
        "processes": {str(number): medians[f"{PRODUCT} {number}"] for number in PROCESSES},
    }
