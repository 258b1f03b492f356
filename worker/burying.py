"""A verdict from outside the rules: the job stands alone, only the verdict is written."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from db.loading import Loaded
from db.unit_of_work import unit_of_work
from jobs.board import Board
from jobs.codec import Poison, Reference
from jobs.errors import JobConflict, JobDataError
from jobs.outcomes import Buried, Verdict
from worker.cases import (
    announce,
    envelope_text,
    open_cases,
    read_ledger,
    read_time_and_tenants,
)
from worker.dead_letters import storable
from worker.deciding import Deciding
from worker.deliveries import Delivery, Disposition, HandedBack
from worker.runtime import Runtime

MAX_ERROR_CHARACTERS = 2_000


async def bury(
    delivery: Delivery, error: str, runtime: Runtime, traceback: str | None = None
) -> Disposition:
    """The job is buried with `error`, or keeps the outcome that it has already."""
    message = storable(error)[:MAX_ERROR_CHARACTERS]
    return await conclude(delivery, lambda job_id: Buried(job_id, message, traceback), runtime)


async def conclude(
    delivery: Delivery, verdict: Callable[[UUID], Verdict], runtime: Runtime
) -> Disposition:
    """Writes this verdict in a transaction of its own, unless the job is settled already.

    What no ledger can store becomes a dead letter; what meets a lock is handed back.
    """
    try:
        return await _written_or_kept(delivery, verdict, runtime)
    except JobConflict:
        return HandedBack()


async def _written_or_kept(
    delivery: Delivery, verdict: Callable[[UUID], Verdict], runtime: Runtime
) -> Disposition:
    try:
        return await _written(delivery, verdict, runtime)
    except JobDataError as error:
        if isinstance(delivery.request, Reference | Poison):
            raise
        raw = envelope_text(delivery.request).encode()
        unstorable = replace(delivery, request=Poison(raw, "unreadable", str(error)))
        return await _written(unstorable, verdict, runtime)


async def _written(
    delivery: Delivery, verdict: Callable[[UUID], Verdict], runtime: Runtime
) -> Disposition:
    async with unit_of_work(runtime.engine) as uow:
        cases = await open_cases(uow, [delivery])
        now, tenants = await read_time_and_tenants(uow, cases)
        board = Board(now=now, tenants=tenants)
        stored = await read_ledger(uow, cases)
        deciding = Deciding(Loaded(board, busy=set()), stored, runtime.settings)
        deciding.conclude(cases[0], verdict)
        await uow.save(board, [case.written for case in cases if case.written])
        await uow.keep([case.letter for case in cases if case.letter])
        await uow.commit()
    announce(cases, runtime)
    return cases[0].disposition or HandedBack()
