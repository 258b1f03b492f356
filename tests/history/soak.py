"""The soak: real servers, workers and producers, everything that goes wrong, and the checker.

`./taskrail chaos` runs it. What is true of a run is in its report; the same seed gives the same
schedule of faults and the same stories.
"""

import asyncio
import subprocess
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from ops.checkout import CHECKOUT
from tests.history.arena import LOOK_SECONDS, QUEUE, Arena, opened_arena
from tests.history.checker import judge
from tests.history.facts import Facts, Key, Violation
from tests.history.fleet import ended, fleet_of, started
from tests.history.invariants.times import recoveries
from tests.history.nemesis import schedule, torment
from tests.history.reading import IS_UNFINISHED, read_facts
from tests.history.recording import Recorder, read_history
from tests.history.residue import residue
from tests.history.second_opinion import second_opinion
from tests.history.streams import note_published
from tests.history.wounds import Victims

STEPS = 5
WORKERS, PRODUCERS = 3, 2
JOBS_A_SECOND = 320
DRAIN_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Report:
    """`faults` that happened, by kind; jobs by what became of them; `unknown`: answers lost.

    `accepted`: without those that only Redis had when it was flushed.
    """

    seed: int
    commit: str
    seconds: float
    faults: dict[str, int]
    accepted: int
    applied: int
    rejected: int
    buried: int
    unknown: int
    longest_recovery_seconds: float
    drained: bool
    violations: list[Violation] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return self.drained and not self.violations


async def run(seconds: float, seed: int, on_step: Callable[[str], None] = lambda _: None) -> Report:
    """Torments for so many seconds, heals, drains for 90 at most, checks."""
    async with opened_arena() as arena:
        history = arena.folder / "history"
        history.mkdir()
        on_step("servers run")
        begun = time.monotonic_ns()
        with Recorder(history, "nemesis") as recorder:
            async with fleet_of(WORKERS, arena.environment, arena.folder) as fleet:
                async with _producing(arena, seed):
                    _note(recorder, "ready", value=(time.monotonic_ns() - begun) / 1e9)
                    on_step("producers are ready")
                    await torment(Victims(arena, fleet), schedule(seed, seconds), recorder)
                on_step("all is healed")
                await _drain(arena, recorder)
                on_step("drained")
                await fleet.end()
                async with arena.direct_redis() as redis:
                    await note_published(redis, arena.tenants, recorder)
                _note(recorder, "residue", value=[*fleet.complaints, *await residue(arena)])
        async with arena.superuser() as connection:
            facts = await read_facts(read_history(history), connection)
        violations = [*judge(facts), *await second_opinion(arena.environment)]
        skipped = sum(one.op == "skipped" for one in facts.history.operations)
        on_step(f"checked; {skipped} faults met another and did not happen")
        return _report(seed, seconds, facts, violations)


@asynccontextmanager
async def _producing(arena: Arena, seed: int) -> AsyncIterator[None]:
    """Producers send jobs while the block runs; what they have done is recorded afterwards."""
    producers = [await _producer(arena, seed, number) for number in range(PRODUCERS)]
    try:
        for producer in producers:
            assert producer.stdout is not None
            if await producer.stdout.readline() != b"ready\n":
                raise RuntimeError(f"a producer ended with {await producer.wait()}")
        for producer in producers:
            assert producer.stdin is not None
            producer.stdin.write(b"go\n")
        yield
    finally:
        for producer in producers:
            with suppress(ProcessLookupError):
                producer.terminate()
        await asyncio.gather(*map(ended, producers))


async def _producer(arena: Arena, seed: int, number: int) -> Process:
    asked = {
        "folder": str(arena.folder / "history"),
        "name": f"producer-{number}",
        "seed": seed,
        "rate": JOBS_A_SECOND / PRODUCERS,
        "tenants": arena.tenants[number::PRODUCERS],
        "urls": [arena.database_url, arena.redis_url],
    }
    command = ("-P", "-m", "tests.history.producing", to_json(asked).decode())
    return await started(command, arena.environment, stdin=PIPE, stdout=PIPE)


async def _drain(arena: Arena, recorder: Recorder) -> None:
    """Nothing waits to be settled or published, or time is over; which of them is recorded."""
    invoked, is_drained = time.monotonic_ns(), False
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while not (is_drained := await _is_empty(arena)):  # noqa: ASYNC110 - others make it so
                await asyncio.sleep(LOOK_SECONDS * 5)
    recorder.drained(invoked, is_ok=is_drained)


async def _is_empty(arena: Arena) -> bool:
    async with arena.superuser() as connection, arena.direct_redis() as redis:
        return not await connection.fetchval(IS_UNFINISHED) and not await redis.zcard(QUEUE)


def _note(recorder: Recorder, op: str, **others: Any) -> None:
    recorder.operation(op, "ok", time.monotonic_ns(), **others)


def _report(seed: int, seconds: float, facts: Facts, violations: list[Violation]) -> Report:
    by_status = Counter(row.status for row in facts.ledger)
    operations = facts.history.operations
    acknowledged = {
        (operation.tenant, job)
        for operation in operations
        if operation.op in {"record", "enqueue"} and operation.result == "ok"
        for job in operation.jobs
    }
    return Report(
        seed=seed,
        commit=commit(),
        seconds=seconds,
        faults=dict(sorted(Counter(fault.kind for fault in facts.history.faults).items())),
        accepted=len(acknowledged - _forgotten(facts)),
        applied=by_status["applied"],
        rejected=by_status["rejected"],
        buried=by_status["buried"],
        unknown=sum(operation.result == "info" for operation in operations),
        longest_recovery_seconds=round(max((s for s, _ in recoveries(facts)), default=0.0), 2),
        drained=any(one.op == "drained" and one.result == "ok" for one in operations),
        violations=violations,
    )


def _forgotten(facts: Facts) -> set[Key]:
    """What only Redis had when it forgot everything: nobody promised to keep that."""
    tenants = {job: one.tenant for one in facts.history.operations for job in one.jobs}
    lost = {(tenants[job], job) for job in facts.lost if job in tenants}
    return lost - facts.jobs.keys()


def commit() -> str:
    """Of this checkout; `unknown` where there is none."""
    asked = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()
