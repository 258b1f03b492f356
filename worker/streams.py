"""The tenants' streams in Redis, as the relay writes them."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from arq.connections import ArqRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from db.reads.event_texts import EventText
from jobs.streaming import stream_key
from worker import lua

PUBLISH = lua.source("publish")
PATIENCE_SECONDS = 2.0
"""Less than a transaction may idle: the relay's is open meanwhile, without a snapshot."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A tenant's events are in its stream, all or, if there is a `refusal`, none of them."""

    tenant_id: UUID
    events: int
    is_first: bool
    refusal: str


async def append(redis: ArqRedis, texts: Sequence[EventText], keeps: int) -> list[Publication]:
    """The events are in their tenants' streams, of which each keeps about so many.

    Raises RedisError if Redis did not answer: then nobody knows which events are there.
    """
    of_tenant: defaultdict[UUID, list[EventText]] = defaultdict(list)
    for one in texts:
        of_tenant[one.tenant_id].append(one)
    pipe = redis.pipeline(transaction=False)
    for tenant_id, its in of_tenant.items():
        entries = (part for one in its for part in (one.key, one.kind, one.text))
        pipe.eval(PUBLISH, 1, stream_key(tenant_id), str(keeps), *entries)
    answers = zip(of_tenant.items(), await _answers(pipe), strict=True)
    return [_publication(tenant_id, len(its), answer) for (tenant_id, its), answer in answers]


async def _answers(pipe: Any) -> list[Any]:
    """What Redis says to each; an error among them is an answer, too."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answers: list[Any] = await pipe.execute(raise_on_error=False)
    except OSError as error:
        raise RedisConnectionError(str(error) or f"no answer in {PATIENCE_SECONDS:g} s") from error
    return answers


def _publication(tenant_id: UUID, events: int, answer: Any) -> Publication:
    refusal = str(answer) if isinstance(answer, Exception) else ""
    return Publication(tenant_id, events, is_first=answer == 0, refusal=refusal)
