"""Sends the lines that are jobs, and reports what became of every line."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.envelope import AnyJob
from jobs.producer import Producer
from ops.failure import CommandFailed
from ops.intake.lines import Bad, Line, Sendable
from ops.intake.order import in_order

TAKEN = "this id was used for another job; use a new id"
LATE = "not settled in time; the job stands, `taskrail outcome` tells its end"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one line; `status` is queued, applied, rejected, buried, late or bad."""

    line: int
    status: str
    id: UUID | None = None
    kind: str | None = None
    outcome: dict[str, Any] | None = None
    message: str | None = None

    @property
    def is_good(self) -> bool:
        return self.status in {"queued", "applied"}


async def send(
    producer: Producer,
    lines: Sequence[Line],
    wait_seconds: float | None,
    on_line: Callable[[str], None],
    ledger: AsyncEngine | None = None,
) -> list[Answer]:
    """One answer a line, in their order; `wait_seconds` None does not wait for outcomes.

    With `ledger`, a producer's engine, all jobs are recorded in one transaction and then woken.
    Raises CommandFailed if one cannot be: none is.
    """
    jobs = in_order(line.job for line in lines if isinstance(line, Sendable))
    if ledger is None:
        await producer.enqueue_many(jobs)
        conflicts: set[UUID] = set()
    else:
        conflicts = await _record(producer, jobs, ledger)

    async def answer(line: Line) -> Answer:
        found = await _answer(line, producer, wait_seconds, conflicts)
        on_line(f"line {line.line}")
        return found

    return await asyncio.gather(*map(answer, lines))


async def _record(producer: Producer, jobs: Sequence[AnyJob], ledger: AsyncEngine) -> set[UUID]:
    """The ids that stand for other jobs already."""
    try:
        async with ledger.begin() as connection:
            recorded = await producer.record(jobs, connection)
    except DBAPIError as error:
        raise CommandFailed(
            "Nothing was recorded", str(error.orig), "correct that line and send them again."
        ) from error
    await producer.wake(recorded)
    return {one.job.id for one in recorded if one.conflict}


async def _answer(
    line: Line, producer: Producer, wait_seconds: float | None, conflicts: Collection[UUID]
) -> Answer:
    match line:
        case Bad(number, message):
            return Answer(number, "bad", message=message)
        case Sendable(number, job) if job.id in conflicts:
            return Answer(number, "rejected", job.id, job.kind, message=TAKEN)
        case Sendable(number, job):
            outcome = await _outcome(job, producer, wait_seconds)
            if outcome is None:
                return Answer(number, "queued", job.id, job.kind)
            return Answer(number, outcome["status"], job.id, job.kind, outcome)


async def _outcome(
    job: AnyJob, producer: Producer, wait_seconds: float | None
) -> dict[str, Any] | None:
    if wait_seconds is None:
        return None
    try:
        return await producer.outcome(job.tenant_id, job.id, wait_seconds)
    except TimeoutError:
        return {"status": "late", "error": LATE}
