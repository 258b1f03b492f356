"""Where the time of a job goes: in a batch of 200, and alone, each from Redis and back, warm.

`parts`, microseconds a job: `cpu_us`, which this process computes, and `wall_us`, which passes, so
that the difference is what servers take. The worker's own functions are run, with clocks around
them, one batch after the other: nothing overlaps, and nobody else has work. What is in no part is
`rest`. `statements`: of one batch, as PostgreSQL counted them (pg_stat_statements): `calls`, `rows`
and `mean_ms` of a call, foreign keys and triggers included; what takes most in all comes first. The
flush of a commit is in none of them: it is in the wall time of the part.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from time import perf_counter, thread_time
from typing import Any

from benchmarks.driving import Driver, driving
from benchmarks.stage import Stage, staged
from db.unit_of_work import UnitOfWork
from jobs.envelope import AnyJob
from ops.collecting import spare_what_is_there
from worker import apply as applying
from worker.deciding import Deciding
from worker.deliveries import Settled
from worker.queue.holding import Queues
from worker.readiness import ready_keys

ROUNDS = 2
BATCH_JOBS = 200
JOBS, SMOKE_JOBS, LONE_JOBS, SMOKE_LONE_JOBS = 4_800, 600, 300, 12
MANY_BYTES, HOLD_SECONDS = 2**30, 60.0
TITLE_CHARACTERS = 60

PARTS: dict[str, tuple[Any, str]] = {
    "take and decode": (Queues, "take"),
    "recognise": (applying, "open_cases"),
    "lock and load": (applying, "load_board"),
    "read the time": (applying, "read_time_and_tenants"),
    "read the ledger": (applying, "read_ledger"),
    "decide": (Deciding, "decide"),
    "save": (applying, "write_down"),
    "commit": (UnitOfWork, "commit"),
    "settle": (Queues, "settle"),
}
"""In the order in which they run; none is in another."""

BEGINNING = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
FORGOTTEN = "SELECT pg_stat_statements_reset()"
STATEMENTS = """
    SELECT query, calls, rows, mean_exec_time
    FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
    WHERE rolname = 'taskrail_worker'
    ORDER BY total_exec_time DESC
"""

SHORTENED = (
    (r"^SELECT .*? FROM ", "SELECT … FROM "),
    (r"unnest\(.*?\) AS \w+", "unnest(…)"),
)

Figures = dict[str, dict[str, float]]


@dataclass(slots=True)
class Clock:
    """Seconds so far, of this thread's own work and by the wall."""

    cpu: float = 0.0
    wall: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        cpu, wall = thread_time(), perf_counter()
        try:
            yield
        finally:
            self.cpu += thread_time() - cpu
            self.wall += perf_counter() - wall


@dataclass(slots=True)
class Clocks:
    whole: Clock = field(default_factory=Clock)
    parts: dict[str, Clock] = field(default_factory=lambda: {name: Clock() for name in PARTS})

    def a_job(self, jobs: int) -> Figures:
        """Microseconds a job, by part."""
        known = self.parts.values()
        rest = Clock(
            self.whole.cpu - sum(clock.cpu for clock in known),
            self.whole.wall - sum(clock.wall for clock in known),
        )
        named = self.parts | {"rest": rest, "all": self.whole}
        scale = 1_000_000 / jobs
        return {
            name: {"cpu_us": round(one.cpu * scale, 1), "wall_us": round(one.wall * scale, 1)}
            for name, one in named.items()
        }


async def run(
    *, smoke: bool = False, on_round: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, Figures]]:
    """What they spend, by part and by statement: a `batch`, and a `lone` job."""
    spare_what_is_there()
    found: dict[str, dict[str, Figures]] = {}
    sizes = {
        "batch": (BATCH_JOBS, SMOKE_JOBS if smoke else JOBS),
        "lone": (1, SMOKE_LONE_JOBS if smoke else LONE_JOBS),
    }
    async with staged() as stage, driving(stage) as driver:
        await driver.postgres.execute(BEGINNING)
        for name, (size, jobs) in sizes.items():
            found[name] = await _profile(stage, driver, size, jobs)
            on_round(name)
    return found


async def _profile(stage: Stage, driver: Driver, size: int, number: int) -> dict[str, Figures]:
    await _work(stage, driver, size, stage.workload.stream(number), Clock())
    jobs = stage.workload.stream(number)
    await driver.postgres.execute(FORGOTTEN)
    with _clocked() as clocks:
        batches = await _work(stage, driver, size, jobs, clocks.whole)
    return {
        "parts": clocks.a_job(len(jobs)),
        "statements": await _statements(driver, batches),
    }


async def _work(stage: Stage, driver: Driver, size: int, jobs: list[AnyJob], whole: Clock) -> int:
    """What a worker does with these jobs, so many at once; how many batches that made."""
    queues = Queues(driver.redis, {driver.queue_name: 1}, HOLD_SECONDS)
    batches = 0
    for start in range(0, len(jobs), size):
        await driver.producer.enqueue_many(jobs[start : start + size])
        with whole.running():
            entries = (await queues.take(size, MANY_BYTES)).entries
            dispositions = await applying.apply([one.delivery for one in entries], stage.runtime)
            await queues.settle(entries, dispositions, ready_keys(dispositions))
        if not all(isinstance(one, Settled) for one in dispositions):
            raise RuntimeError("not all jobs were settled")
        batches += 1
    return batches


@contextmanager
def _clocked() -> Iterator[Clocks]:
    clocks = Clocks()
    with ExitStack() as stack:
        for name, (owner, attribute) in PARTS.items():
            plain = getattr(owner, attribute)
            setattr(owner, attribute, _timed(plain, clocks.parts[name]))
            stack.callback(setattr, owner, attribute, plain)
        yield clocks


def _timed(plain: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(plain):
        return clock.running()(plain)

    @wraps(plain)
    async def timed(*args: Any, **kwargs: Any) -> Any:
        with clock.running():
            return await plain(*args, **kwargs)

    return timed


async def _statements(driver: Driver, batches: int) -> Figures:
    rows = await driver.postgres.fetch(STATEMENTS)
    return {
        f"{place}. {_title(row['query'])}": {
            "calls": round(row["calls"] / batches, 2),
            "rows": round(row["rows"] / batches, 2),
            "mean_ms": round(row["mean_exec_time"], 4),
        }
        for place, row in enumerate(rows, 1)
    }


def _title(query: str) -> str:
    """Its beginning; of what it reads only whence."""
    words = " ".join(query.split())
    for long, short in SHORTENED:
        words = re.sub(long, short, words)
    return words[:TITLE_CHARACTERS]
