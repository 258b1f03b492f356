"""Events from the history into their tenant's stream, for what Redis has lost."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from db.reads.event_texts import EventText, texts_between
from db.repositories.tenants import clock
from ops.failure import CommandFailed
from worker.streams import append


@dataclass(frozen=True, slots=True)
class Span:
    """The acts of a tenant from `since` to before `until`; None: to before now."""

    tenant_id: UUID
    since: datetime
    until: datetime | None


async def republish(reader: AsyncEngine, redis: ArqRedis, span: Span, *, keeps: int) -> int:
    """The events of the span are in the tenant's stream, again or at last; how many they are.

    A page at a time. Of one entity they come in order; what the relay publishes meanwhile may come
    between them. Raises CommandFailed if Redis refuses them.
    """
    events = 0
    async for page in texts_between(reader, span.tenant_id, span.since, await _end(reader, span)):
        await _send(page, redis, keeps)
        events += len(page)
    return events


async def count(reader: AsyncEngine, span: Span) -> int:
    """How many would be published."""
    pages = texts_between(reader, span.tenant_id, span.since, await _end(reader, span))
    return sum([len(page) async for page in pages])


async def _end(reader: AsyncEngine, span: Span) -> datetime:
    """Not for ever: events go on to happen."""
    async with reader.connect() as connection:
        return span.until or await clock(connection)


async def _send(page: list[EventText], redis: ArqRedis, keeps: int) -> None:
    (publication,) = await append(redis, page, keeps)
    if publication.refusal:
        raise CommandFailed(
            f"The events since {page[0].at.isoformat()} were not published",
            publication.refusal,
            "put Redis in order and go on from there: what comes twice is known by its key.",
        )
