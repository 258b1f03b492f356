"""How much a batch saves: jobs fed from memory, one run, one server, rounds interleaved.

The jobs come as many agents send them: a batch has one job of each of 200 tasks. `orm`: one
AsyncSession transaction a job, written by hand. `one_by_one`: the product's repositories and rules
with a commit a job. `batched`: the product. `ratio` = batched / one_by_one.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from statistics import median
from time import perf_counter

from benchmarks.by_hand import apply_by_hand
from benchmarks.stage import Stage, staged
from benchmarks.turns import taking_turns
from jobs.envelope import AnyJob
from worker.apply import apply, apply_one_by_one
from worker.deliveries import Delivery, Disposition, Settled

ROUNDS, SMOKE_ROUNDS = 5, 1
BATCH_JOBS = 200
JOBS_BATCHED, JOBS_ALONE, SMOKE_JOBS = 4_000, 400, 200

Way = Callable[[Stage, list[AnyJob]], Awaitable[None]]


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, float]:
    """Medians of jobs per second, durable settings: orm, one_by_one, batched, ratio."""
    async with staged() as stage:
        contests = {
            name: partial(_rate, stage, way, SMOKE_JOBS if smoke else jobs)
            for name, (way, jobs) in WAYS.items()
        }
        rates = await taking_turns(contests, SMOKE_ROUNDS if smoke else ROUNDS, on_round)
    medians = {name: round(median(values), 1) for name, values in rates.items()}
    return medians | {"ratio": round(medians["batched"] / medians["one_by_one"], 2)}


async def _rate(stage: Stage, way: Way, number: int) -> float:
    jobs = stage.workload.stream(number)
    started = perf_counter()
    await way(stage, jobs)
    return len(jobs) / (perf_counter() - started)


async def _by_hand(stage: Stage, jobs: list[AnyJob]) -> None:
    for job in jobs:
        await apply_by_hand(job, stage.sessions)


async def _one_by_one(stage: Stage, jobs: list[AnyJob]) -> None:
    _require_applied(await apply_one_by_one(_deliveries(jobs), stage.runtime))


async def _batched(stage: Stage, jobs: list[AnyJob]) -> None:
    for batch in _chunks(jobs, BATCH_JOBS):
        _require_applied(await apply(_deliveries(batch), stage.runtime))


def _deliveries(jobs: list[AnyJob]) -> list[Delivery]:
    return [Delivery(str(job.id), job) for job in jobs]


def _chunks(jobs: list[AnyJob], size: int) -> Iterator[list[AnyJob]]:
    for start in range(0, len(jobs), size):
        yield jobs[start : start + size]


def _require_applied(dispositions: list[Disposition]) -> None:
    """A rate of refusals would be no rate of work."""
    refused = [
        d for d in dispositions if not (isinstance(d, Settled) and d.outcome.status == "applied")
    ]
    if refused:
        raise RuntimeError(f"{len(refused)} jobs were not applied, the first: {refused[0]}")


WAYS: dict[str, tuple[Way, int]] = {
    "orm": (_by_hand, JOBS_ALONE),
    "one_by_one": (_one_by_one, JOBS_ALONE),
    "batched": (_batched, JOBS_BATCHED),
}
