"""The reaper: a lease that ran out is ended, by a job like any other, made by the system.

Its id follows from the lease, so that two reapers make the same job and the ledger merges them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from db.conflicts import translated
from db.reads.paging import EVER, NOBODY
from db.repositories.tenants import declare
from jobs.entities import Key
from jobs.payloads.lifecycle import ExpireLease
from jobs.system import system_job
from worker.apply import apply
from worker.deliveries import Delivery, Settled
from worker.glance import is_any
from worker.loops.alone import alone
from worker.readiness import ready_keys, tell
from worker.runtime import Runtime
from worker.signals import LeasesExpired

PATIENCE_SECONDS = 60.0
"""How long a holder's report that waits in the ledger keeps his lease."""

ANY = text("SELECT 1 FROM taskrail.lease WHERE expires_at <= clock_timestamp() LIMIT 1")
EXPIRED = text("""
    SELECT lease.tenant_id, task_id, holder_id, token, expires_at
    FROM taskrail.lease JOIN taskrail.tenant ON tenant.id = lease.tenant_id
    WHERE expires_at <= clock_timestamp() AND suspended_at IS NULL
        AND (expires_at, lease.tenant_id, task_id) > (:expires_at, :tenant_id, :task_id)
    ORDER BY expires_at, lease.tenant_id, task_id LIMIT :leases
""").bindparams(
    bindparam("expires_at", type_=DateTime(timezone=True)),
    bindparam("tenant_id", type_=Uuid()),
    bindparam("task_id", type_=Uuid()),
)
REPORTED = text("""
    SELECT lease.tenant_id, lease.task_id
    FROM unnest(:tenants, :tasks, :holders) AS given (tenant_id, task_id, holder_id)
    JOIN taskrail.lease ON lease.tenant_id = given.tenant_id AND lease.task_id = given.task_id
    JOIN taskrail.job ON job.tenant_id = given.tenant_id AND job.status = 'accepted'
        AND job.envelope -> 'payload' ->> 'task_id' = given.task_id::text
    WHERE job.envelope ->> 'actor_id' = given.holder_id::text
        AND job.accepted_at < lease.expires_at
        AND clock_timestamp() < lease.expires_at + make_interval(secs => :patience)
""").bindparams(*(bindparam(name, type_=ARRAY(Uuid())) for name in ("tenants", "tasks", "holders")))


@dataclass(frozen=True, slots=True)
class Expired:
    """A lease whose time is over."""

    tenant_id: UUID
    task_id: UUID
    holder_id: UUID
    token: int
    expires_at: datetime


FIRST = Expired(NOBODY, NOBODY, NOBODY, 0, EVER)
"""Stands before all leases."""


async def reap(runtime: Runtime) -> int:
    """Expired leases are ended, the oldest first, unless their holders reported in time.

    Answers how many were. What cannot be ended now keeps nobody behind it.
    """
    if not await is_any(runtime.keeper, ANY):
        return 0
    ended, page = 0, await _expired_after(FIRST, runtime)
    while page:
        ended += await _end(page, runtime)
        page = await _expired_after(page[-1], runtime)
    if ended:
        runtime.emit(LeasesExpired(leases=ended))
    return ended


async def _end(expired: Sequence[Expired], runtime: Runtime) -> int:
    reported = await _reported(expired, runtime)
    due = [lease for lease in expired if (lease.tenant_id, lease.task_id) not in reported]
    dispositions = await apply([_ending(lease) for lease in due], runtime) if due else []
    await tell(runtime.redis, ready_keys(dispositions))
    return sum(isinstance(d, Settled) and d.outcome.status == "applied" for d in dispositions)


async def _expired_after(last: Expired, runtime: Runtime) -> list[Expired]:
    async with alone(runtime.keeper, "reaper") as connection:
        if connection is None:
            return []
        rows = await connection.execute(
            EXPIRED,
            {
                "expires_at": last.expires_at,
                "tenant_id": last.tenant_id,
                "task_id": last.task_id,
                "leases": runtime.settings.batch_jobs,
            },
        )
        return [Expired(*row) for row in rows]


async def _reported(leases: Sequence[Expired], runtime: Runtime) -> set[Key]:
    """Whose holder has a job about it in the ledger that was accepted before the expiry."""
    with translated():
        async with runtime.engine.connect() as connection:
            await declare(connection, {lease.tenant_id for lease in leases})
            rows = await connection.execute(
                REPORTED,
                {
                    "tenants": [lease.tenant_id for lease in leases],
                    "tasks": [lease.task_id for lease in leases],
                    "holders": [lease.holder_id for lease in leases],
                    "patience": PATIENCE_SECONDS,
                },
            )
            return {(row.tenant_id, row.task_id) for row in rows}


def _ending(lease: Expired) -> Delivery:
    ending = ExpireLease(task_id=lease.task_id, token=lease.token)
    cause = (lease.task_id, lease.token, lease.expires_at.timestamp())
    job = system_job(ending, lease.tenant_id, lease.expires_at, *cause)
    return Delivery(arq_id=str(job.id), request=job, trusted=True)
