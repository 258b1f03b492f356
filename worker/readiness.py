"""How agents that wait for work learn that there may be some: a key of their tenant is written."""

import asyncio
from collections.abc import Collection, Iterable

from arq.connections import ArqRedis

from jobs.connections import ANSWER_SECONDS
from jobs.wire import ready_key
from worker.deliveries import Disposition, Settled
from worker.results import KEEP_RESULT_SECONDS


def ready_keys(dispositions: Iterable[Disposition]) -> set[str]:
    """The keys of the tenants for whom tasks became ready."""
    settled = (d for d in dispositions if isinstance(d, Settled))
    return {ready_key(one.ready_for) for one in settled if one.ready_for is not None}


async def tell(redis: ArqRedis, keys: Collection[str]) -> None:
    """Who watches one of these looks again; the consumer does it in the trip that settles.

    Raises what is in REDIS_ERRORS.
    """
    async with asyncio.timeout(ANSWER_SECONDS):
        for key in keys:
            now = ".".join(map(str, await redis.time()))
            await redis.set(key, now, ex=KEEP_RESULT_SECONDS)
