"""The queue as commands use it: a producer that also asks the ledger for outcomes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from arq.connections import ArqRedis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.codec import dump, load
from jobs.producer import Producer
from settings import Settings
from worker.connection import connected_later, for_consumer, redis_settings
from worker.signing import signer

OUTCOME = text("SELECT outcome FROM taskrail.job WHERE tenant_id = :tenant_id AND id = :id")


@asynccontextmanager
async def opened_queue(settings: Settings) -> AsyncIterator[ArqRedis]:
    """Connections to Redis, while the block runs; soon refused, when used, if Redis is away."""
    pool = connected_later(
        for_consumer(redis_settings(settings)),
        job_serializer=dump,
        job_deserializer=load,
        default_queue_name=settings.queue_name,
    )
    try:
        yield pool
    finally:
        await pool.aclose()


def producer(settings: Settings, redis: ArqRedis, reader: AsyncEngine) -> Producer:
    """A producer that asks the ledger where Redis has forgotten an outcome, and signs."""

    async def read_ledger(tenant_id: UUID, job_id: UUID) -> dict[str, Any] | None:
        async with reader.connect() as connection:
            rows = await connection.execute(OUTCOME, {"tenant_id": tenant_id, "id": job_id})
            outcome: dict[str, Any] | None = rows.scalar_one_or_none()
        return outcome

    return Producer(redis, read_ledger=read_ledger, signer=signer(settings))
