"""Sends the lines that are jobs, and reports what became of every line."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs.producer import Handle, Producer
from ops.intake.lines import Bad, Line, Sendable
from ops.intake.order import in_order

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
) -> list[Answer]:
    """One answer a line, in their order; `wait_seconds` None does not wait for outcomes."""
    sendable = [line for line in lines if isinstance(line, Sendable)]
    handles = await producer.enqueue_many(in_order(line.job for line in sendable))
    by_line = {line.line: handle for line, handle in zip(sendable, handles, strict=True)}

    async def answer(line: Line) -> Answer:
        found = await _answer(line, by_line.get(line.line), wait_seconds)
        on_line(f"line {line.line}")
        return found

    return await asyncio.gather(*map(answer, lines))


async def _answer(line: Line, handle: Handle | None, wait_seconds: float | None) -> Answer:
    match line:
        case Bad(number, message):
            return Answer(number, "bad", message=message)
        case Sendable(number, job):
            outcome = await _outcome(handle, wait_seconds)
            if outcome is None:
                return Answer(number, "queued", job.id, job.kind)
            return Answer(number, outcome["status"], job.id, job.kind, outcome)


async def _outcome(handle: Handle | None, wait_seconds: float | None) -> dict[str, Any] | None:
    if handle is None or wait_seconds is None:
        return None
    try:
        return await handle.outcome(wait_seconds)
    except TimeoutError:
        return {"status": "late", "error": LATE}
