"""A batch of jobs becomes one transaction: recognise, lock and load, decide, save, commit.

This is the summary. How rows are locked stands in db/loading, how one job is decided in
deciding.py, what happens when a transaction fails in recovery.py.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter

from db.loading import load_board
from db.unit_of_work import UnitOfWork, unit_of_work
from jobs.board import Board
from jobs.envelope import Job
from settings import Settings
from worker.cases import (
    Case,
    announce,
    in_causal_order,
    open_cases,
    read_ledger,
    read_time_and_tenants,
    write_down,
)
from worker.deciding import Deciding
from worker.deliveries import Delivery, Disposition, HandedBack
from worker.recovery import recovered
from worker.runtime import Runtime
from worker.signals import BatchApplied

MAX_HAND_BACKS = 3
MAX_REMEMBERED = 10_000


async def apply(deliveries: Sequence[Delivery], runtime: Runtime) -> list[Disposition]:
    """What became of each delivery, in the order given; all of it is durable on return.

    Raises StoreUnavailable: what was not committed by then stays as it was, no job is to blame.
    """
    started = perf_counter()
    done: dict[int, Disposition] = {}
    for batch, wait in _batches(in_causal_order(deliveries), runtime):
        dispositions = await recovered(transact, batch, runtime, wait=wait)
        done.update(zip(map(id, batch), dispositions, strict=True))
    answer = [done[id(delivery)] for delivery in deliveries]
    _count_hand_backs(deliveries, answer, runtime)
    runtime.emit(BatchApplied.of(answer, seconds=perf_counter() - started))
    return answer


async def apply_one_by_one(deliveries: Sequence[Delivery], runtime: Runtime) -> list[Disposition]:
    """The same rules, repositories and answers, with a commit for each delivery.

    The slow obvious form: the reference that the batch is tested against, by the same tests.
    """
    return [(await apply([one], runtime))[0] for one in in_causal_order(deliveries)]


async def transact(batch: Sequence[Delivery], runtime: Runtime, *, wait: bool) -> list[Disposition]:
    """One transaction for the whole batch. `wait`: for locked tasks, instead of handing back."""
    async with unit_of_work(runtime.engine) as uow:
        cases, board = await decided(uow, batch, runtime.settings, wait=wait)
        await write_down(uow, board, cases)
        await uow.commit()
    if board.events:
        runtime.news.set()
    announce(cases, runtime)
    return [case.disposition or HandedBack() for case in cases]


async def decided(
    uow: UnitOfWork, batch: Sequence[Delivery], settings: Settings, *, wait: bool
) -> tuple[list[Case], Board]:
    """What is to become of the batch, on locked rows; nothing is written yet."""
    cases = await open_cases(uow, batch)
    jobs = [case.request for case in cases if isinstance(case.request, Job)]
    loaded = await load_board(uow, jobs, wait=wait)
    loaded.board.now, loaded.board.tenants = await read_time_and_tenants(uow, cases)
    stored = await read_ledger(uow, cases)
    Deciding(loaded, stored, settings).decide(cases)
    return cases, loaded.board


def _batches(
    deliveries: Sequence[Delivery], runtime: Runtime
) -> Iterator[tuple[list[Delivery], bool]]:
    """All together; but who met locked rows most often, and too often, goes alone and waits.

    One a batch: its neighbours wait with it. If it waited in vain, it is another's turn.
    """
    unlucky = max(deliveries, key=lambda d: runtime.hand_backs[d.arq_id], default=None)
    others = list(deliveries)
    if unlucky is not None and runtime.hand_backs[unlucky.arq_id] >= MAX_HAND_BACKS:
        del runtime.hand_backs[unlucky.arq_id]
        others = [delivery for delivery in others if delivery is not unlucky]
        yield [unlucky], True
    if others:
        yield others, False


def _count_hand_backs(
    deliveries: Sequence[Delivery], answer: Sequence[Disposition], runtime: Runtime
) -> None:
    for delivery, disposition in zip(deliveries, answer, strict=True):
        if isinstance(disposition, HandedBack):
            runtime.hand_backs[delivery.arq_id] += 1
        else:
            runtime.hand_backs.pop(delivery.arq_id, None)
    # Of those that another worker settled nobody tells us.
    while len(runtime.hand_backs) > MAX_REMEMBERED:
        del runtime.hand_backs[next(iter(runtime.hand_backs))]
