"""The calendar: what time alone brings about, each by a job like any other, made by the system.

People are reminded before their tasks are due, tasks that are due recur, tasks deleted long ago are
erased. The id of each job follows from its cause, so that two calendars make the same job and the
ledger merges them.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, TextClause, Uuid, bindparam, text

from db.reads.paging import EVER, NOBODY
from jobs.envelope import AnyJob
from jobs.outcomes import Applied
from jobs.payloads.lifecycle import Horizon, RecurTask, RemindTask
from jobs.payloads.task import PurgeTask
from jobs.system import system_job
from worker.apply import apply
from worker.deliveries import Delivery, Settled
from worker.glance import glance
from worker.readiness import ready_keys, tell
from worker.runtime import Runtime

HORIZONS: dict[Horizon, timedelta] = {
    "24h": timedelta(hours=24),
    "1h": timedelta(hours=1),
    "5m": timedelta(minutes=5),
}
FIRST_LOOK_BACK = timedelta(minutes=10)
"""So long after it should have been sent a reminder is sent by a worker that has just begun."""
OVERLAP = timedelta(seconds=10)
"""Longer than a transaction takes: what it commits was not there when its time was looked at."""
EPOCH = datetime.fromtimestamp(0, UTC)

CLOCK = text("SELECT clock_timestamp()")


def _find(columns: str, at: str, condition: str) -> TextClause:
    """The next page of tasks by the time `at`, up to `until`, of tenants that are at work."""
    page = f"""
        SELECT task.tenant_id, task.id, task.{at} AS at, {columns}
        FROM taskrail.task
        JOIN taskrail.tenant ON tenant.id = task.tenant_id AND tenant.suspended_at IS NULL
        JOIN taskrail.project ON project.tenant_id = task.tenant_id
            AND project.id = task.project_id
        WHERE (task.{at}, task.tenant_id, task.id) > (:at, :tenant_id, :id)
            AND task.{at} <= :until AND {condition}
        ORDER BY task.{at}, task.tenant_id, task.id LIMIT :tasks
    """  # noqa: S608 - the parts are constants of this module
    return text(page).bindparams(
        bindparam("at", type_=DateTime(timezone=True)),
        bindparam("until", type_=DateTime(timezone=True)),
        bindparam("tenant_id", type_=Uuid()),
        bindparam("id", type_=Uuid()),
    )


TO_REMIND = _find(
    "'' AS scheduled_at, '' AS state",
    "due_at",
    "task.deleted_at IS NULL AND project.deleted_at IS NULL AND assignee_id IS NOT NULL"
    " AND task.status IN ('pending', 'in_progress', 'review', 'blocked')",
)
TO_RECUR = _find(
    "recurrence ->> 'scheduled_at' AS scheduled_at,"
    " format('%s of %s', task.version, project.version) AS state",
    "due_at",
    "task.deleted_at IS NULL AND project.deleted_at IS NULL AND project.status = 'active'"
    " AND task.status <> 'cancelled' AND recurrence ->> 'trigger' IN ('on_due', 'both')"
    " AND NOT recurrence ? 'successor_id'",
)
TO_PURGE = _find(
    "'' AS scheduled_at, '' AS state",
    "deleted_at",
    "task.deleted_at IS NOT NULL AND purged_at IS NULL",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A task whose time `at` has come. `state` changes with whatever may keep it from recurring."""

    tenant_id: UUID
    id: UUID
    at: datetime
    scheduled_at: str
    state: str


@dataclass(slots=True)
class Calendar:
    """Remembers until when it has reminded, and which jobs that it still finds are settled."""

    reminded_until: datetime | None = None
    settled: set[UUID] = field(default_factory=set)

    async def observe(self, runtime: Runtime) -> int:
        """All whose time has come has happened, or is found again; answers how much did here."""
        found, applied = set[UUID](), 0
        ((now,),) = await glance(runtime.keeper, CLOCK)
        since = (self.reminded_until or now - FIRST_LOOK_BACK) - OVERLAP
        async for jobs in _due(runtime, since, now):
            found.update(job.id for job in jobs)
            applied += await self._apply([j for j in jobs if j.id not in self.settled], runtime)
        if found <= self.settled:
            self.reminded_until = now
        self.settled &= found
        return applied

    async def _apply(self, jobs: Sequence[AnyJob], runtime: Runtime) -> int:
        if not jobs:
            return 0
        deliveries = [Delivery(arq_id=str(job.id), request=job, trusted=True) for job in jobs]
        dispositions = await apply(deliveries, runtime)
        await tell(runtime.redis, ready_keys(dispositions))
        outcomes = [d.outcome for d in dispositions if isinstance(d, Settled)]
        self.settled.update(outcome.job_id for outcome in outcomes)
        return sum(isinstance(outcome, Applied) for outcome in outcomes)


async def _due(runtime: Runtime, since: datetime, now: datetime) -> AsyncIterator[list[AnyJob]]:
    for horizon, ahead in HORIZONS.items():
        window = (max(since + ahead, now), now + ahead)
        async for page in _pages(runtime, TO_REMIND, *window):
            yield [_reminder(task, horizon) for task in page]
    async for page in _pages(runtime, TO_RECUR, EVER, now):
        yield [_recurrence(task) for task in page]
    long_ago = now - timedelta(days=runtime.settings.purge_after_days)
    async for page in _pages(runtime, TO_PURGE, EVER, long_ago):
        yield [_purge(task) for task in page]


async def _pages(
    runtime: Runtime, find: TextClause, since: datetime, until: datetime
) -> AsyncIterator[list[Found]]:
    """Tasks with their times, in order; what is not settled keeps nobody behind it."""
    after: dict[str, Any] = {"at": since, "tenant_id": NOBODY, "id": NOBODY}
    window = {"until": until, "tasks": runtime.settings.batch_jobs}
    while rows := await glance(runtime.keeper, find, **after, **window):
        page = [Found(*row) for row in rows]
        yield page
        after = {"at": page[-1].at, "tenant_id": page[-1].tenant_id, "id": page[-1].id}


def _reminder(task: Found, horizon: Horizon) -> AnyJob:
    payload = RemindTask(task_id=task.id, due_at=task.at.astimezone(UTC), horizon=horizon)
    return system_job(payload, task.tenant_id, task.at, task.id, task.at.timestamp(), horizon)


def _recurrence(task: Found) -> AnyJob:
    payload = RecurTask(task_id=task.id, scheduled_at=datetime.fromisoformat(task.scheduled_at))
    # A task may have been due before there were ids with times in them.
    at = max(task.at, EPOCH)
    return system_job(payload, task.tenant_id, at, task.id, task.scheduled_at, task.state)


def _purge(task: Found) -> AnyJob:
    payload = PurgeTask(task_id=task.id)
    return system_job(payload, task.tenant_id, task.at, task.id, task.at.timestamp())
