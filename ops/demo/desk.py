"""The one place where the play's jobs are sent and their outcomes awaited."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from jobs.envelope import EPHEMERAL_KINDS, AnyJob, AnyPayload
from jobs.producer import Handle, Producer, new_job
from ops.failure import CommandFailed

PATIENCE_SECONDS = 60.0
"""How long an outcome is waited for before the demo is given up."""

Outcome = dict[str, Any]


@dataclass(slots=True)
class Desk:
    """Sends jobs in the name of workers and keeps the ids of those that the ledger must know."""

    producer: Producer
    tenant_id: UUID
    sent: dict[UUID, str] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    _waiting: int = 0
    _busy_since: float = 0.0
    _busy_seconds: float = 0.0
    _before_clock: int = 0

    def start_clock(self) -> None:
        """The rate is that of the jobs from now on; those before waited for a worker to start."""
        self._busy_seconds = 0.0
        self._before_clock = len(self.sent)

    @property
    def jobs_per_second(self) -> int:
        """Jobs per second of the time in which at least one was on its way."""
        running = monotonic() - self._busy_since if self._waiting else 0.0
        seconds = self._busy_seconds + running
        return round((len(self.sent) - self._before_clock) / seconds) if seconds else 0

    async def ask(self, actor_id: UUID | None, payload: AnyPayload) -> Outcome:
        """Sends one job and returns its outcome."""
        return (await self.ask_all([(actor_id, payload)]))[-1]

    async def ask_all(self, requests: Sequence[tuple[UUID | None, AnyPayload]]) -> list[Outcome]:
        """Sends the jobs in one call and returns their outcomes."""
        jobs = [new_job(payload, self.tenant_id, actor_id) for actor_id, payload in requests]
        with self._in_flight(len(jobs)):
            handles = await self.producer.enqueue_many(jobs)
            self.sent.update((job.id, job.kind) for job in jobs)
            outcomes = await _outcomes(handles)
        self._count(jobs, outcomes)
        return outcomes

    @contextmanager
    def _in_flight(self, jobs: int) -> Iterator[None]:
        """Time counts as busy while at least one job is on its way."""
        if self._waiting == 0:
            self._busy_since = monotonic()
        self._waiting += jobs
        try:
            yield
        finally:
            self._waiting -= jobs
            if self._waiting == 0:
                self._busy_seconds += monotonic() - self._busy_since

    def _count(self, jobs: Sequence[AnyJob], outcomes: Sequence[Outcome]) -> None:
        for job, outcome in zip(jobs, outcomes, strict=True):
            if _left_no_trace(job, outcome):
                del self.sent[job.id]
            else:
                self.verdicts[outcome["status"]] += 1


async def _outcomes(handles: Sequence[Handle]) -> list[Outcome]:
    try:
        return await asyncio.gather(*(handle.outcome(PATIENCE_SECONDS) for handle in handles))
    except TimeoutError:
        raise CommandFailed(
            "The demo was given up",
            f"a job has no outcome after {PATIENCE_SECONDS:g} s",
            "run `taskrail worker` to see what keeps it; `taskrail doctor` checks the servers.",
        ) from None


def _left_no_trace(job: AnyJob, outcome: Outcome) -> bool:
    """A renewal, and a dispatch that finds nothing, are answered and never recorded."""
    found_nothing = job.kind == "task.dispatch" and outcome.get("result") == {"tasks": []}
    return job.kind in EPHEMERAL_KINDS or found_nothing
