"""A verdict from outside the rules: the job stands alone, only the verdict is written."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from db.loading import Loaded
from db.unit_of_work import UnitOfWork, unit_of_work
from jobs.board import Board
from jobs.codec import Poison, Reference
from jobs.errors import JobConflict, JobDataError
from jobs.outcomes import Buried, Verdict
from settings import Settings
from worker.cases import (
    Case,
    announce,
    envelope_text,
    open_cases,
    read_ledger,
    read_time_and_tenants,
    write_down,
)
from worker.dead.dead_letters import traceback_text
from worker.deciding import Deciding
from worker.deliveries import Delivery, Disposition, HandedBack
from worker.runtime import Runtime


async def bury(delivery: Delivery, error: str, runtime: Runtime) -> Disposition:
    """The job is buried with `error`, or keeps the outcome that it has already."""
    return await conclude(delivery, lambda job_id: Buried(job_id, error), runtime)


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
        unstorable = Poison(raw, "unreadable", str(error), traceback=traceback_text(error))
        return await _written(replace(delivery, request=unstorable), verdict, runtime)


async def _written(
    delivery: Delivery, verdict: Callable[[UUID], Verdict], runtime: Runtime
) -> Disposition:
    async with unit_of_work(runtime.engine) as uow:
        cases, board = await concluded(uow, delivery, verdict, runtime.settings)
        await write_down(uow, board, cases)
        await uow.commit()
    announce(cases, runtime)
    return cases[0].disposition or HandedBack()


async def concluded(
    uow: UnitOfWork, delivery: Delivery, verdict: Callable[[UUID], Verdict], settings: Settings
) -> tuple[list[Case], Board]:
    """The delivery with this verdict, unless it is settled; nothing is written yet."""
    cases = await open_cases(uow, [delivery])
    now, tenants = await read_time_and_tenants(uow, cases)
    board = Board(now=now, tenants=tenants)
    stored = await read_ledger(uow, cases)
    Deciding(Loaded(board, busy=set()), stored, settings).conclude(cases[0], verdict)
    return cases, board
