"""What tenants' streams hold, and events written behind the product's back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from jobs.streaming import StreamedEvent, parsed, stream_key
from tests.workers import Scene
from worker.loops.relay import Relay

INSERT = text("""
    WITH happened AS (
        INSERT INTO taskrail.event (tenant_id, entity_id, seq, entity_type, kind, title, job_id)
        VALUES (:tenant_id, :entity_id, :seq, 'task', 'task.updated', 'Planted', :job_id)
        RETURNING tenant_id, entity_id, seq
    )
    INSERT INTO taskrail.outbox (tenant_id, entity_id, seq) SELECT * FROM happened
    RETURNING position
""")


async def entries(redis: Redis, tenant_id: UUID) -> list[StreamedEvent]:
    return [parsed(*entry) for entry in await redis.xrange(stream_key(tenant_id))]


async def keys(redis: Redis, tenant_id: UUID) -> list[str]:
    return [event.key for event in await entries(redis, tenant_id)]


async def history(scene: Scene) -> set[str]:
    """The keys of all events that the tenant has."""
    rows = await scene.engine.execute(
        "SELECT entity_id, seq FROM taskrail.event WHERE tenant_id = :tenant_id",
        tenant_id=scene.cast.tenant_id,
    )
    return {f"{row['entity_id']}:{row['seq']}" for row in rows}


async def unpublished(scene: Scene) -> int:
    return await scene.engine.count("outbox", scene.cast.tenant_id)


async def published(scene: Scene, tasks: int) -> list[str]:
    """So many tasks were created and told of; the keys of these events."""
    jobs = [scene.cast.task() for _ in range(tasks)]
    await scene.engine.statuses(jobs)
    await Relay().publish(scene.engine.runtime)
    return (await keys(scene.redis, scene.cast.tenant_id))[-tasks:]


async def happen(
    connection: AsyncConnection, tenant_id: UUID, entity_id: UUID | None = None, seq: int = 1
) -> int:
    """One more event in the connection's transaction, as a batch writes it; its position."""
    binds = {
        "tenant_id": tenant_id,
        "entity_id": entity_id or uuid7(),
        "seq": seq,
        "job_id": uuid7(),
    }
    position: int = (await connection.execute(INSERT, binds)).scalar_one()
    return position


def first_deliveries(events: Iterable[StreamedEvent]) -> dict[UUID, list[int]]:
    """The numbers of each entity's events, in the order in which they came for the first time."""
    seen: defaultdict[UUID, list[int]] = defaultdict(list)
    for event in events:
        if event.seq not in seen[event.entity_id]:
            seen[event.entity_id].append(event.seq)
    return seen


def are_in_order(events: Sequence[StreamedEvent]) -> bool:
    """Of each entity every event came, from the first on."""
    of_each: Any = first_deliveries(events).values()
    return all(seqs == list(range(1, len(seqs) + 1)) for seqs in of_each)
