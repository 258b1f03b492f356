"""What operators do with the dead: they come back through the ledger, or are put away for good.

All raise StoreUnavailable, or JobConflict if others hold the rows; then nothing has changed.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID

from arq.connections import ArqRedis
from arq.constants import retry_key_prefix
from sqlalchemy.ext.asyncio import AsyncEngine

from db.conflicts import translated
from db.repositories.interventions import Act, Interventions, Replayed
from jobs.entities import Key
from jobs.wire import queue_id


async def replay(jobs: Collection[Key], act: Act, keeper: AsyncEngine, redis: ArqRedis) -> set[Key]:
    """Those that were buried are accepted, for the sweeper to feed: which they are.

    Raises what is in REDIS_ERRORS, too; then nothing has changed.
    """
    if not jobs:
        return set()
    # First: what is taken before the commit finds its job buried, and counts no more either.
    await redis.delete(*(retry_key_prefix + queue_id(job_id) for _, job_id in jobs))
    async with _acting(keeper) as interventions:
        return await interventions.replay(jobs, act)


async def replay_letter(letter_id: UUID, act: Act, keeper: AsyncEngine) -> Replayed | None:
    """The letter's job is recorded under its own id, as by its producer.

    None if the letter is not dead any more, or not whole. Raises JobDataError if its bytes hold
    nothing that can be recorded.
    """
    async with _acting(keeper) as interventions:
        return await interventions.replay_letter(letter_id, act)


async def discard(jobs: Collection[Key], act: Act, keeper: AsyncEngine) -> set[Key]:
    """Those that were buried are put away: which they are."""
    async with _acting(keeper) as interventions:
        return await interventions.discard(jobs, act)


async def discard_letters(letters: Collection[UUID], act: Act, keeper: AsyncEngine) -> set[UUID]:
    """Those that were dead are put away: which they are."""
    async with _acting(keeper) as interventions:
        return await interventions.discard_letters(letters, act)


@asynccontextmanager
async def _acting(keeper: AsyncEngine) -> AsyncIterator[Interventions]:
    with translated():
        async with keeper.begin() as connection:
            yield Interventions(connection)
