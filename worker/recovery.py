"""What happens next when a transaction fails. One branch for each way to fail.

JobConflict       again, the whole batch, at once, with full jitter; then one by one; then back;
                  who has waited as long as he may is not helped by waiting again at once
JobDataError      split in halves until the bad job stands alone; it pays, its neighbours commit
StoreUnavailable  nobody's fault: the caller waits and tries again later
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from jobs.errors import (
    AlreadyExists,
    JobConflict,
    JobDataError,
    JobRejected,
    LimitExceeded,
    TooManyKin,
)
from jobs.outcomes import Rejected, Verdict
from worker.backoff import full_jitter
from worker.dead.burying import conclude
from worker.dead.dead_letters import buried
from worker.deliveries import Delivery, Disposition, HandedBack
from worker.runtime import Runtime
from worker.signals import BatchSplit, ConflictRetried

MAX_CONFLICT_RETRIES = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.1
UNIQUE_VIOLATION = "23505"
TIMED_OUT = frozenset({"55P03", "57014"})
"""Lock time-out, statement time-out."""


class Transact(Protocol):
    """One transaction over a batch."""

    def __call__(
        self, batch: Sequence[Delivery], runtime: Runtime, *, wait: bool
    ) -> Awaitable[list[Disposition]]: ...


async def recovered(
    transact: Transact, batch: Sequence[Delivery], runtime: Runtime, *, wait: bool = False
) -> list[Disposition]:
    """The batch's dispositions, in order, whatever breaks on the way but the store itself."""
    try:
        return await _retried(transact, batch, runtime, wait=wait)
    except JobConflict:
        if len(batch) == 1:
            return [HandedBack()]
        return await _one_by_one(transact, batch, runtime)
    except JobDataError as error:
        runtime.emit(BatchSplit(size=len(batch), sqlstate=error.sqlstate))
        if len(batch) == 1:
            return [await _blamed(transact, batch[0], runtime)]
        half = len(batch) // 2
        first = await recovered(transact, batch[:half], runtime, wait=wait)
        return first + await recovered(transact, batch[half:], runtime, wait=wait)


async def _retried(
    transact: Transact, batch: Sequence[Delivery], runtime: Runtime, *, wait: bool
) -> list[Disposition]:
    for attempt in range(1, MAX_CONFLICT_RETRIES + 1):
        try:
            return await transact(batch, runtime, wait=wait)
        except JobConflict as conflict:
            runtime.emit(ConflictRetried(sqlstate=conflict.sqlstate, attempt=attempt))
            if conflict.sqlstate in TIMED_OUT:
                raise
            await asyncio.sleep(full_jitter(attempt, LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS))
    return await transact(batch, runtime, wait=wait)


async def _one_by_one(
    transact: Transact, batch: Sequence[Delivery], runtime: Runtime
) -> list[Disposition]:
    return [(await recovered(transact, [one], runtime))[0] for one in batch]


async def _blamed(transact: Transact, delivery: Delivery, runtime: Runtime) -> Disposition:
    """The job stands alone: a lost race for a name is read again, the rest is its own fault."""
    try:
        return (await _retried(transact, [delivery], runtime, wait=True))[0]
    except JobConflict:
        return HandedBack()
    except JobDataError as error:
        return await conclude(delivery, blaming(error), runtime)


def blaming(error: JobDataError) -> Callable[[UUID], Verdict]:
    """The verdict on a job whose values the database refuses when it stands alone."""
    refusal = _refusal(error)
    if refusal is None:
        return partial(buried, error=error, message=str(error))
    return partial(Rejected.by, refusal)


def _refusal(error: JobDataError) -> JobRejected | None:
    """What the producer can do about it, if he can."""
    if isinstance(error, TooManyKin):
        return LimitExceeded(str(error))
    if error.sqlstate == UNIQUE_VIOLATION:
        return AlreadyExists("An id or name in this job is taken by something else; use another.")
    return None
