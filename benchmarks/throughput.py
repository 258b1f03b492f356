"""Through Redis, end to end: stock Arq with a hand-written transaction a job, and the product.

The same jobs, queue, servers and process for both, rounds interleaved. Jobs are sent in four waves
(create, claim, report, complete), since stock Arq keeps no order; a wave's time runs from its first
enqueue until its last job is committed and acknowledged. The baseline is tuned: no poll delay, as
many jobs at once as it has connections.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from signal import Signals
from statistics import median
from time import perf_counter
from typing import Any

from arq.worker import Function, Worker

from benchmarks.by_hand import RULES, apply_by_hand
from benchmarks.stage import Stage, staged
from benchmarks.workload import JOBS_A_TASK
from jobs import codec
from jobs.envelope import KINDS, AnyJob, Job
from jobs.producer import Producer
from worker.connection import redis_settings
from worker.consumer import Consumer
from worker.settings import worker_options
from worker.signals import BatchApplied, Signal

ROUNDS, SMOKE_ROUNDS = 5, 1
PRODUCT_JOBS, BASELINE_JOBS, SMOKE_JOBS = 8_000, 800, 200
BASELINE_CONNECTIONS = 5


@dataclass(slots=True)
class Line:
    """A running worker, and how many jobs it has applied."""

    applied: int = 0
    _awaited: int = 0
    _reached: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, jobs: int = 1) -> None:
        self.applied += jobs
        if self.applied >= self._awaited:
            self._reached.set()

    async def wave(self, producer: Producer, jobs: list[AnyJob]) -> float:
        """Seconds from the first enqueue until all are applied."""
        self._awaited, started = self.applied + len(jobs), perf_counter()
        self._reached.clear()
        await producer.enqueue_many(jobs, ordered=False)
        await self._reached.wait()
        return perf_counter() - started


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, float]:
    """Medians of jobs per second, durable settings: baseline, product, ratio_to_baseline."""
    rounds = SMOKE_ROUNDS if smoke else ROUNDS
    rates: dict[str, list[float]] = {"baseline": [], "product": []}
    async with staged() as stage:
        for number in range(rounds):
            for name, running, jobs in (
                ("baseline", _baseline, BASELINE_JOBS),
                ("product", _product, PRODUCT_JOBS),
            ):
                async with running(stage) as line:
                    rates[name].append(await _rate(stage, line, SMOKE_JOBS if smoke else jobs))
            on_round(f"round {number + 1}")
    baseline, product = (round(median(rates[name]), 1) for name in ("baseline", "product"))
    return {
        "baseline": baseline,
        "product": product,
        "ratio_to_baseline": round(product / baseline, 2),
    }


async def _rate(stage: Stage, line: Line, number: int) -> float:
    lives = list(stage.workload.tasks(number // JOBS_A_TASK))
    producer = Producer(stage.runtime.redis, queue_name=stage.settings.queue_name)
    waves = [list(wave) for wave in zip(*lives, strict=True)]
    seconds = [await line.wave(producer, wave) for wave in waves]
    return sum(map(len, waves)) / sum(seconds)


@asynccontextmanager
async def _baseline(stage: Stage) -> AsyncIterator[Line]:
    line = Line()

    async def apply_one(ctx: dict[Any, Any], *args: Any, **_: Any) -> dict[str, Any]:  # noqa: ARG001 - Arq's signature
        job = codec.read_envelope(args[0])
        if not isinstance(job, Job):
            raise TypeError("not a job of the workload")
        outcome = await apply_by_hand(job, stage.sessions)
        line.count()
        return outcome

    worker = Worker(
        functions=[
            Function(KINDS[payload], apply_one, None, None, None, None) for payload in RULES
        ],
        queue_name=stage.settings.queue_name,
        redis_settings=redis_settings(stage.settings),
        job_serializer=codec.dump,
        job_deserializer=codec.load,
        max_jobs=BASELINE_CONNECTIONS,
        poll_delay=0,
        keep_result=60,
        log_results=False,
        handle_signals=False,
    )
    task = asyncio.create_task(worker.main())
    yield line
    await asyncio.gather(*worker.tasks.values())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await worker.close()


@asynccontextmanager
async def _product(stage: Stage) -> AsyncIterator[Line]:
    line = Line()

    def listen(signal: Signal) -> None:
        if isinstance(signal, BatchApplied):
            line.count(signal.applied)

    consumer = Consumer(**worker_options(stage.settings, listen, handle_signals=False))
    task = asyncio.create_task(consumer.async_run())
    yield line
    consumer.handle_sig(Signals.SIGTERM)
    await task
