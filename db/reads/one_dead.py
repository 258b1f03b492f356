"""One job of the ledger, or one dead letter, with all that was kept of it. Two statements each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_ACTS = 100

CALLED = text("""
    SELECT tenant.id, tenant.slug, job.status
    FROM taskrail.tenant
    JOIN taskrail.job ON job.tenant_id = tenant.id AND job.id = :id
    ORDER BY tenant.slug
    LIMIT 100
""")
JOB = text("""
    SELECT job.tenant_id, tenant.slug AS tenant, job.id, job.kind, job.status,
        job.envelope::text AS envelope, job.outcome, job.error, job.traceback, job.fingerprint,
        job.attempts, job.accepted_at, job.settled_at, job.discarded_at
    FROM taskrail.job
    JOIN taskrail.tenant ON tenant.id = job.tenant_id
    WHERE job.tenant_id = :tenant_id AND job.id = :id
""")
LETTER = text("""
    SELECT id, received_at, queue, arq_id, raw, size, sha256, reason, error, traceback, fingerprint,
        attempts, replayed_at, discarded_at
    FROM taskrail.dead_letter WHERE id = :id
""")
ACTS_ON_JOB = text("""
    SELECT at, operator, verb, reason, before FROM taskrail.intervention
    WHERE tenant_id = :tenant_id AND job_id = :id ORDER BY position DESC LIMIT :acts
""")
ACTS_ON_LETTER = text("""
    SELECT at, operator, verb, reason, before FROM taskrail.intervention
    WHERE letter_id = :id ORDER BY position DESC LIMIT :acts
""")


@dataclass(frozen=True, slots=True)
class Namesake:
    """A job with the id that was asked for."""

    tenant_id: UUID
    tenant: str
    status: str


@dataclass(frozen=True, slots=True)
class Acted:
    """What an operator did; `before` is what the row was then."""

    at: datetime
    operator: str
    verb: str
    reason: str | None
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeadJob:
    """`envelope` is text where only PostgreSQL can read it. `acts`: the latest first."""

    tenant_id: UUID
    tenant: str
    id: UUID
    kind: str
    status: str
    envelope: Any
    outcome: dict[str, Any] | None
    error: str | None
    traceback: str | None
    fingerprint: str | None
    attempts: int
    accepted_at: datetime
    settled_at: datetime | None
    discarded_at: datetime | None
    acts: list[Acted]


@dataclass(frozen=True, slots=True)
class Letter:
    """`raw`: the first of `size` bytes, at most 1 MiB; `sha256` is of all of them."""

    id: UUID
    received_at: datetime
    queue: str
    arq_id: str
    raw: bytes
    size: int
    sha256: str
    reason: str
    error: str
    traceback: str | None
    fingerprint: str
    attempts: int
    replayed_at: datetime | None
    discarded_at: datetime | None
    acts: list[Acted]


async def jobs_called(connection: AsyncConnection, job_id: UUID) -> list[Namesake]:
    """The jobs with this id: one, unless tenants share it. One statement."""
    rows = await connection.execute(CALLED, {"id": job_id})
    return [Namesake(*row) for row in rows]


async def one_job(connection: AsyncConnection, tenant_id: UUID, job_id: UUID) -> DeadJob | None:
    """The tenant's job, whatever its status."""
    binds = {"tenant_id": tenant_id, "id": job_id}
    row = (await connection.execute(JOB, binds)).mappings().one_or_none()
    if row is None:
        return None
    envelope, acts = _parsed(row["envelope"]), await _acts(connection, ACTS_ON_JOB, binds)
    return DeadJob(**{**row, "envelope": envelope}, acts=acts)


async def one_letter(connection: AsyncConnection, letter_id: UUID) -> Letter | None:
    """The dead letter, replayed and discarded ones too."""
    row = (await connection.execute(LETTER, {"id": letter_id})).mappings().one_or_none()
    if row is None:
        return None
    return Letter(**row, acts=await _acts(connection, ACTS_ON_LETTER, {"id": letter_id}))


async def _acts(
    connection: AsyncConnection, statement: TextClause, binds: dict[str, UUID]
) -> list[Acted]:
    return [Acted(*row) for row in await connection.execute(statement, binds | {"acts": MOST_ACTS})]


def _parsed(envelope: str) -> Any:
    try:
        return from_json(envelope)
    except ValueError:
        return envelope
