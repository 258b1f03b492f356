"""The line from the queues through the lanes and back: take, hold, apply, settle or give back."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from itertools import compress
from operator import not_
from typing import Any
from uuid import UUID

from arq.worker import Worker

from jobs.errors import StoreUnavailable
from worker.apply import apply
from worker.counting import ALONE_FROM_DELIVERY, apply_suspect
from worker.deliveries import Deferred, Disposition, Settled
from worker.functions import OURS
from worker.queue.bell import Bell
from worker.queue.forming import id_of, named_after
from worker.queue.holding import SOONEST_SECONDS, Entry, Queues
from worker.queue.lanes import Lanes
from worker.queue.others import Others
from worker.queue.patience import Patience
from worker.queue.recent import Recent
from worker.queue.renewing import Renewing
from worker.queue.sizing import BatchSize
from worker.queue.touched import Touched
from worker.readiness import ready_keys
from worker.runtime import Runtime
from worker.signals import HoldLost, Taken

PATIENCE_SECONDS, MOST_PUT_ASIDE = 2.0, 50_000
"""A worker that lives has settled its batch by then; the ledger takes what waits for longer."""
LOOK_ELSEWHERE_SECONDS = 0.02
"""No bell rings for what other workers settle: about as long as a batch of theirs takes."""
MOST_WAITING_BATCHES = 3
"""In hand at once, if some wait for other workers: those, and others to go on with."""
STUCK_SECONDS, ASIDE_SECONDS = 0.25, 0.5
"""Long enough to see that it is no batch that is waited for; and for others to have their turn."""
RECENT_JOBS = 5_000
"""Settled here: a few seconds' worth at full speed, as long as successors come behind."""


class Line:
    """All methods raise StoreUnavailable and what is in REDIS_ERRORS; `abandon` is to follow."""

    def __init__(self, queues: Queues, bell: Bell, runtime: Runtime, worker: Worker) -> None:
        settings = runtime.settings
        self.queues = queues
        self._bell = bell
        self._runtime = runtime
        self._size = BatchSize(settings.batch_jobs, settings.batch_seconds)
        self._most_bytes = settings.batch_bytes
        self._lanes = Lanes(settings.lanes, self._apply)
        self.renewing = Renewing(self._lose)
        self._others = Others(worker, worker.functions.keys() - OURS, self.renewing.let_go)
        self._settled = Recent(RECENT_JOBS)
        self._patience = Patience(PATIENCE_SECONDS, MOST_PUT_ASIDE)
        self._is_full = False
        self._may_be_due = True
        self._active_at = 0.0
        self.jobs_complete = 0

    @property
    def is_empty(self) -> bool:
        """Nothing is in hand."""
        return self._lanes.is_idle and not self._lanes.waiting and self._others.are_idle

    async def step(self) -> bool:
        """Takes what there is room for, and starts what can begin; whether to step again at once.

        Raises what the thread that renews holds has died of.
        """
        self.renewing.require_alive()
        self._lanes.clear()
        taken = await self._take() if self._is_to_take() else 0
        if self._lanes.waiting and (taken or self._waits_for_others):
            await self._look_elsewhere()
        self._lanes.start(self._size.jobs, self._most_bytes)
        if self._is_stuck():
            await self._step_aside()
        return self._is_to_take()

    async def change(self, stopping: asyncio.Event, longest_seconds: float) -> None:
        """Returns when a batch has ended, there may be something to take, or all is to stop."""
        waits: list[Coroutine[Any, Any, Any]] = [stopping.wait()]
        if not self._lanes.is_idle:
            waits.append(self._lanes.change())
        if not self._lanes.is_free:
            # Nobody listens until one is free, and then a look is as dear as a take.
            self._may_be_due = True
        elif not self._may_be_due:
            waits.append(self._listen())
        soon = LOOK_ELSEWHERE_SECONDS if self._waits_for_others else longest_seconds
        await _first(waits, min(soon, longest_seconds))

    async def finish(self) -> None:
        """Nothing is in hand any more: what is being applied is settled, the rest given back."""
        waiting, self._lanes.waiting = self._lanes.waiting, []
        await self._put_down(waiting)
        await self._lanes.end()
        await self._others.end()

    async def abandon(self) -> None:
        """As `finish`, after an error: what cannot be given back comes back by itself."""
        self._may_be_due = True
        await self._bell.forget()
        with suppress(Exception):
            await self.finish()
        while not self._lanes.is_idle:
            with suppress(Exception):
                await self._lanes.end()

    @property
    def _waits_for_others(self) -> bool:
        return bool(self._lanes.waiting and self._lanes.elsewhere.changed)

    def _is_to_take(self) -> bool:
        """At most one batch waits for a lane, and it is taken while others are applied."""
        return self._has_room() and (self._is_full or (self._may_be_due and self._lanes.is_free))

    def _has_room(self) -> bool:
        return min(self._room()) > 0

    def _room(self) -> tuple[int, int]:
        """Jobs and bytes that may be taken, at most a batch.

        Beside those that wait for other workers there is room for others.
        """
        batches = MOST_WAITING_BATCHES if self._waits_for_others else 1
        jobs = batches * self._size.jobs - len(self._lanes.waiting)
        size = batches * self._most_bytes - sum(entry.size for entry in self._lanes.waiting)
        return min(jobs, self._size.jobs), min(size, self._most_bytes)

    def _is_stuck(self) -> bool:
        """The hand is full, and nothing was taken nor could begin for a while."""
        now = asyncio.get_running_loop().time()
        if not self._lanes.is_idle:
            self._active_at = now
        return now - self._active_at > STUCK_SECONDS and not self._has_room()

    async def _look_elsewhere(self) -> None:
        """What waits for jobs that other workers have at this moment waits here, for a while.

        In the ledger it would cost a row and a second delivery; there it goes when that is over.
        """
        now = asyncio.get_running_loop().time()
        waiting = self._lanes.waiting
        patient = [self._patience.is_left(entry, now) for entry in waiting]
        named = named_after(compress(waiting, patient))
        # Who has waited long enough is not to wait because somebody else has just begun to.
        named -= named_after(compress(waiting, map(not_, patient)))
        others = self._settled.others(named - self._lanes.are_here(named))
        self._lanes.elsewhere = Touched(changed=await self.queues.unsettled(others))

    async def _step_aside(self) -> None:
        """All in hand waits for other workers, one of whom may be dead: others' turn, in order."""
        aside, self._lanes.waiting = self._lanes.waiting, []
        self._patience.put_aside(aside)
        self.renewing.let_go(aside)
        later = [Deferred(ASIDE_SECONDS + place * SOONEST_SECONDS) for place in range(len(aside))]
        await self.queues.settle(aside, later)
        self._lanes.elsewhere = Touched()
        self._may_be_due = True

    async def _listen(self) -> None:
        await self._bell.wait(is_idle=self._lanes.is_idle)
        self._may_be_due = True

    async def _take(self) -> int:
        take = await self.queues.take(*self._room())
        self._is_full, self._may_be_due = take.is_full, False
        self._bell.found(len(take.entries))
        if not take.entries:
            return 0
        self._active_at = asyncio.get_running_loop().time()
        late_ms = time.time() * 1000 - take.entries[0].score
        self._runtime.emit(Taken(jobs=len(take.entries), late_seconds=max(0.0, late_ms / 1000)))
        self.renewing.hold(take.entries)
        await self._receive(self._others.started(take.entries))
        return len(take.entries)

    async def _receive(self, entries: list[Entry]) -> None:
        """All wait for a lane, a dead worker's first; what was taken often is tried alone, at once.

        What waits is given back before, uncounted: it must not be blamed if the suspect kills us.
        """
        orphans = [entry for entry in entries if entry.delivery.count > 1]
        fresh = [entry for entry in entries if entry.delivery.count == 1]
        # Their successors may be in hand already, and would go before them.
        self._lanes.waiting = [*orphans, *self._lanes.waiting, *fresh]
        suspect = next((e for e in entries if e.delivery.count >= ALONE_FROM_DELIVERY), None)
        if suspect is None:
            return
        others = [entry for entry in self._lanes.waiting if entry is not suspect]
        self._lanes.waiting = [suspect]
        await self._put_down(others)
        await self._lanes.end()
        self._lanes.waiting = []
        self._may_be_due = True
        await self._apply([suspect])

    async def _apply(self, entries: list[Entry]) -> None:
        """What a lane does."""
        started = time.perf_counter()
        try:
            dispositions = await _dispositions(entries, self._runtime)
        except StoreUnavailable:
            await self._put_down(entries)
            raise
        except asyncio.CancelledError:
            await self._put_down(entries)
            return
        self.renewing.let_go(entries)
        self._settled.add(_settled_ids(entries, dispositions))
        with self._bell.deaf():
            lost = await self.queues.settle(entries, dispositions, ready_keys(dispositions))
        if lost:
            self._runtime.emit(HoldLost(jobs=lost))
        self._size.learn(len(entries), time.perf_counter() - started)
        self.jobs_complete += len(entries)

    async def _put_down(self, entries: list[Entry]) -> None:
        self.renewing.let_go(entries)
        await self.queues.give_back(entries)

    def _lose(self, lost: list[Entry]) -> None:
        self._runtime.emit(HoldLost(jobs=len(lost)))
        self._lanes.give_up(lost)


async def _dispositions(entries: list[Entry], runtime: Runtime) -> list[Disposition]:
    deliveries = [entry.delivery for entry in entries]
    if deliveries[0].count >= ALONE_FROM_DELIVERY:
        return [await apply_suspect(deliveries[0], runtime)]
    return await apply(deliveries, runtime)


def _settled_ids(entries: list[Entry], dispositions: list[Disposition]) -> set[UUID]:
    """The ledger has their outcomes: nobody needs to wait for them any more."""
    both = zip(entries, dispositions, strict=True)
    ids = {id_of(entry) for entry, disposition in both if isinstance(disposition, Settled)}
    return {job_id for job_id in ids if job_id is not None}


async def _first(waits: Iterable[Coroutine[Any, Any, Any]], seconds: float) -> None:
    """Returns when one of these has ended, and raises what it raised; the others are cut short."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
