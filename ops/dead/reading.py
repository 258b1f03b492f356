"""How commands about the dead read: as the reader, all tenants or one, one snapshot."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.dead_filters import DeadFilters
from db.reads.one_dead import DeadJob, Letter, jobs_called, one_job, one_letter
from ops.dead import asking
from ops.engines import opened
from ops.failure import CommandFailed
from ops.loop import run
from ops.reading import snapshot
from ops.servers import servers
from settings import Settings

ResultT = TypeVar("ResultT")
Query = Callable[[AsyncConnection, DeadFilters], Awaitable[ResultT]]


def read(given: dict[str, Any], query: Query[ResultT]) -> ResultT:
    """What `query` returns for the filters among the options; a bad cursor is wrong usage."""
    with servers() as running:
        return run(queried(running.settings, given, query))


async def queried(settings: Settings, given: dict[str, Any], query: Query[ResultT]) -> ResultT:
    """The same, on servers that run already."""
    async with opened(settings, "reader") as reader:
        filters = await asking.filters(reader, given)
        async with snapshot(reader) as connection:
            return await query(connection, filters)


async def the_one(
    connection: AsyncConnection, dead_id: UUID, tenant_id: UUID | None
) -> DeadJob | Letter:
    """The job of this id, dead or not, or the dead letter; without one the command ends."""
    if tenant_id is None:
        tenant_id = await _its_tenant(connection, dead_id)
    found: DeadJob | Letter | None = (
        await one_letter(connection, dead_id)
        if tenant_id is None
        else await one_job(connection, tenant_id, dead_id)
    )
    if found is None:
        raise CommandFailed(
            f"No job and no dead letter {dead_id}",
            "neither the ledger nor the dead letters have this id",
            "`taskrail dead list` shows those that are dead.",
        )
    return found


async def _its_tenant(connection: AsyncConnection, job_id: UUID) -> UUID | None:
    jobs = await jobs_called(connection, job_id)
    if len(jobs) > 1:
        slugs = ", ".join(job.tenant for job in jobs)
        raise CommandFailed(
            f"{job_id} is not one alone", f"{slugs} have a job of this id", "add --tenant."
        )
    return jobs[0].tenant_id if jobs else None
