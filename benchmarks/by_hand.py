"""The baseline: one AsyncSession transaction a job, as one would write it by hand.

The same rows as the product writes for the workload's kinds: ledger entry, task, lease, comment,
event, outbox, counters; the same checks of actor, membership, status and token; ORM objects, one
commit a job.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession

from db.models import Comment, Event, Lease, Member, Outbox, Project, Tally, Task, Worker
from db.models import Job as LedgerRow
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, FailTask, ReportProgress
from jobs.payloads.task import CommentTask, CreateTask

Sessions = async_sessionmaker[AsyncSession]
DECLARE = text("SELECT set_config('app.tenants', :tenant, true)")


async def apply_by_hand(job: AnyJob, sessions: Sessions) -> dict[str, Any]:
    """Applies one job in a transaction of its own and returns its outcome."""
    async with sessions() as session, session.begin():
        await (await session.connection()).execute(DECLARE, {"tenant": str(job.tenant_id)})
        known = await session.get(LedgerRow, (job.tenant_id, job.id))
        if known is not None and known.outcome is not None:
            return known.outcome
        task, kind, data = await RULES[type(job.payload)](session, job)
        _append(session, job, task, kind, data)
        outcome = {"task_id": str(task.id), "status": task.status, "version": task.version}
        session.add(_ledger_row(job, outcome))
        return outcome


async def _create(session: AsyncSession, job: AnyJob) -> tuple[Task, str, dict[str, Any]]:
    payload: CreateTask = job.payload
    project = await session.get(Project, (job.tenant_id, payload.project_id))
    if project is None or project.status != "active":
        raise LookupError("no such project")
    await _require_member(session, job, project.id)
    task = Task(
        tenant_id=job.tenant_id,
        id=payload.task_id,
        project_id=payload.project_id,
        title=payload.title,
        description=payload.description,
        created_by_id=job.actor_id,
        tags=payload.tags,
        attributes=payload.attributes,
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
        version=0,  # _append makes it 1
    )
    session.add(task)
    session.add(_tally(task, tasks=1))
    return task, "task.created", {"title": task.title, "description": task.description}


async def _claim(session: AsyncSession, job: AnyJob) -> tuple[Task, str, dict[str, Any]]:
    payload: ClaimTask = job.payload
    worker = await session.get_one(Worker, (job.tenant_id, job.actor_id), with_for_update=True)
    task = await session.get_one(Task, (job.tenant_id, payload.task_id), with_for_update=True)
    await _require_member(session, job, task.project_id)
    if task.status != "pending":
        raise LookupError("not pending")
    now = datetime.now(UTC)
    task.status, task.assignee_id, task.started_at = "in_progress", job.actor_id, now
    task.last_token += 1
    session.add(
        Lease(
            tenant_id=task.tenant_id,
            task_id=task.id,
            holder_id=worker.id,
            token=task.last_token,
            renewed_at=now,
            expires_at=now + timedelta(seconds=payload.lease_seconds),
        )
    )
    return task, "task.claimed", {"status": task.status, "assignee_id": str(job.actor_id)}


async def _progress(session: AsyncSession, job: AnyJob) -> tuple[Task, str, dict[str, Any]]:
    payload: ReportProgress = job.payload
    task, _ = await _held(session, job, payload)
    task.progress = payload.percent
    return task, "task.progressed", {"progress": task.progress}


async def _comment(session: AsyncSession, job: AnyJob) -> tuple[Task, str, dict[str, Any]]:
    payload: CommentTask = job.payload
    task = await session.get_one(Task, (job.tenant_id, payload.task_id), with_for_update=True)
    await _require_member(session, job, task.project_id)
    session.add(
        Comment(
            tenant_id=job.tenant_id,
            id=payload.comment_id,
            task_id=task.id,
            author_id=job.actor_id,
            body=payload.body,
            created_at=datetime.now(UTC),
        )
    )
    part = {"id": payload.comment_id, "author_id": job.actor_id, "body": payload.body}
    return task, "task.commented", {"comment": part}


async def _fail(session: AsyncSession, job: AnyJob) -> tuple[Task, str, dict[str, Any]]:
    payload: FailTask = job.payload
    task, lease = await _held(session, job, payload)
    task.attempt += 1
    task.status = "failed" if task.attempt >= task.max_attempts else "pending"
    task.assignee_id = lease.previous_assignee_id
    task.failure = {"reason": payload.reason, "details": payload.details, "permanent": False}
    await session.delete(lease)
    session.add(_tally(task, attempts=1))
    return task, "task.failed", {"status": task.status, "failure": task.failure}


async def _complete(session: AsyncSession, job: AnyJob) -> tuple[Task, str, dict[str, Any]]:
    payload: CompleteTask = job.payload
    task, lease = await _held(session, job, payload)
    task.status, task.progress, task.result = "completed", 100, payload.result
    task.completed_at = datetime.now(UTC)
    await session.delete(lease)
    session.add(_tally(task, completed=1))
    return task, "task.completed", {"status": task.status, "result": task.result}


async def _held(session: AsyncSession, job: AnyJob, payload: Any) -> tuple[Task, Lease]:
    task = await session.get_one(Task, (job.tenant_id, payload.task_id), with_for_update=True)
    await _require_member(session, job, task.project_id)
    lease = await session.get_one(Lease, (job.tenant_id, payload.task_id))
    if (lease.holder_id, lease.token) != (job.actor_id, payload.token):
        raise LookupError("lease lost")
    return task, lease


async def _require_member(session: AsyncSession, job: AnyJob, project_id: Any) -> None:
    if await session.get(Member, (job.tenant_id, project_id, job.actor_id)) is None:
        raise LookupError("not a member")


def _tally(task: Task, tasks: int = 0, completed: int = 0, attempts: int = 0) -> Tally:
    counted = {"tasks": tasks, "completed": completed, "attempts": attempts}
    return Tally(tenant_id=task.tenant_id, project_id=task.project_id, **counted)


def _append(
    session: AsyncSession, job: AnyJob, task: Task, kind: str, data: dict[str, Any]
) -> None:
    task.version += 1
    task.updated_at = datetime.now(UTC)
    session.add(
        Event(
            tenant_id=task.tenant_id,
            entity_type="task",
            entity_id=task.id,
            seq=task.version,
            kind=kind,
            actor_id=job.actor_id,
            actor_name="Benchmark agent",
            title=task.title,
            job_id=job.id,
            data=data,
            at=task.updated_at,
            schema_version=1,
        )
    )
    session.add(Outbox(tenant_id=task.tenant_id, entity_id=task.id, seq=task.version))


def _ledger_row(job: AnyJob, outcome: dict[str, Any]) -> LedgerRow:
    now = datetime.now(UTC)
    return LedgerRow(
        tenant_id=job.tenant_id,
        id=job.id,
        kind=job.kind,
        envelope=job.model_dump(mode="json", exclude_unset=True),
        status="applied",
        outcome={"job_id": str(job.id), "status": "applied", "result": outcome},
        events=1,
        attempts=1,
        accepted_at=now,
        settled_at=now,
    )


Rule = Callable[[AsyncSession, AnyJob], Awaitable[tuple[Task, str, dict[str, Any]]]]
RULES: dict[type, Rule] = {
    CreateTask: _create,
    ClaimTask: _claim,
    ReportProgress: _progress,
    CommentTask: _comment,
    FailTask: _fail,
    CompleteTask: _complete,
}
