"""What kills its worker is found by counting its deliveries before it is applied.

Redis counts the deliveries of entries. Of a job that has a row in the ledger `deliveries` counts
there, and only that count buries it: Redis may lose its own, be away, or be written to by others.
Who lives through the job takes back what he has counted, and what the ledger writes about it sets
the count to 0; so it is a number of processes that died.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from db.arrays import rank
from db.conflicts import translated
from jobs.codec import Poison
from jobs.entities import Key
from jobs.errors import JobConflict, StoreUnavailable
from worker.apply import apply
from worker.dead.burying import bury
from worker.deliveries import Delivery, Disposition, HandedBack
from worker.runtime import Runtime

ALONE_FROM_DELIVERY = 3
LAST_DELIVERY = 5
CRASH_LOOP = f"taken more than {LAST_DELIVERY} times without an end: it seems to kill its worker"

COUNT = text("""
    UPDATE taskrail.job SET deliveries = greatest(deliveries, :uncounted) + 1
    WHERE tenant_id = :tenant_id AND id = :id AND status = 'accepted'
    RETURNING deliveries
""").bindparams(bindparam("tenant_id", type_=Uuid()), bindparam("id", type_=Uuid()))
KEYS = [bindparam(name, type_=ARRAY(Uuid())) for name in ("tenants", "jobs")]
"""As `arrays_of` gives them."""
TAKE_BACK = text("""
    WITH counted AS (
        SELECT job.tenant_id, job.id
        FROM unnest(:tenants, :jobs) AS given (tenant_id, id)
        JOIN taskrail.job ON job.tenant_id = given.tenant_id AND job.id = given.id
        WHERE job.status = 'accepted' AND job.deliveries > 0
        ORDER BY job.tenant_id, job.id
        FOR UPDATE OF job
    )
    UPDATE taskrail.job SET deliveries = job.deliveries - 1
    FROM counted WHERE job.tenant_id = counted.tenant_id AND job.id = counted.id
""").bindparams(*KEYS)


async def apply_suspect(delivery: Delivery, runtime: Runtime) -> Disposition:
    """What stands alone in hand, by Redis's count, is counted in the ledger if it has a row there.

    Whoever writes to Redis may have made that count: it is believed that the job is to be alone,
    and that it was taken twice before. Raises StoreUnavailable.
    """
    async with surviving(runtime) as counted:
        try:
            delivery = await _counted(delivery, counted, runtime)
        except JobConflict:
            return HandedBack()
        (disposition,) = await _apply_counted([delivery], runtime)
    return disposition


async def apply_counted(deliveries: Sequence[Delivery], runtime: Runtime) -> list[Disposition]:
    """As `apply`, of what the ledger gave; who was in too many processes that died is buried."""
    return await _apply_counted([replace(one, is_queued=False) for one in deliveries], runtime)


async def _apply_counted(deliveries: Sequence[Delivery], runtime: Runtime) -> list[Disposition]:
    """Who is alone may be at his last delivery."""
    if deliveries[0].count > LAST_DELIVERY:
        return [await bury(deliveries[0], CRASH_LOOP, runtime)]
    return await apply(deliveries, runtime)


@asynccontextmanager
async def surviving(runtime: Runtime) -> AsyncIterator[set[Key]]:
    """Gives a set for the keys of what is counted; who comes to the end takes it back.

    Settled or not: the job that a forged entry names still waits when that entry is answered. An
    error that nobody expects ends the process, or could: it counts like its death.
    """
    counted: set[Key] = set()
    try:
        yield counted
    except (JobConflict, StoreUnavailable):
        raise
    except Exception:
        counted.clear()
        raise
    finally:
        runtime.owed.update(counted)
        await take_back(runtime)


async def take_back(runtime: Runtime) -> None:
    """What was counted here and is over counts no more; if the store is away, it is owed.

    Nobody knows whether a commit without an answer counted: then this may be one too many, which
    costs a later crash.
    """
    owed = set(runtime.owed)
    if not owed:
        return
    runtime.owed.clear()
    try:
        with translated():
            async with runtime.keeper.begin() as connection:
                await connection.execute(TAKE_BACK, arrays_of(owed))
    except (JobConflict, StoreUnavailable):
        runtime.owed.update(owed)


def arrays_of(jobs: Collection[Key]) -> dict[str, list[UUID]]:
    """Sorted, so that two who lock the same rows do not wait for each other."""
    ordered = sorted(jobs, key=rank)
    return {"tenants": [key[0] for key in ordered], "jobs": [key[1] for key in ordered]}


async def _counted(delivery: Delivery, counted: set[Key], runtime: Runtime) -> Delivery:
    """With the ledger's count, if the ledger waits for this job."""
    request = delivery.request
    if isinstance(request, Poison):
        return delivery
    key = {"tenant_id": request.tenant_id, "id": request.id}
    with translated():
        async with runtime.keeper.begin() as connection:
            number = (
                await connection.execute(COUNT, key | {"uncounted": ALONE_FROM_DELIVERY - 1})
            ).scalar_one_or_none()
            if number is None:
                return delivery
            counted.add((request.tenant_id, request.id))
    return replace(delivery, count=number)
