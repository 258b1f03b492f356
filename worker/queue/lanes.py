"""Batches that are applied at the same time: while one waits for PostgreSQL, the next is decided.

More lanes are no more order: what touches the same is never in two of them (forming.py).
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any
from uuid import UUID

from worker.queue.forming import Batch, formed, id_of
from worker.queue.holding import Entry
from worker.queue.touched import Touched

ApplyBatch = Callable[[list[Entry]], Coroutine[Any, Any, None]]


class Lanes:
    """`waiting` is held, and in no lane yet. `elsewhere`: what other workers are applying."""

    def __init__(self, number: int, apply_batch: ApplyBatch) -> None:
        self._number = number
        self._apply_batch = apply_batch
        self._running: dict[asyncio.Task[None], Batch] = {}
        self.waiting: list[Entry] = []
        self.elsewhere = Touched()

    @property
    def is_free(self) -> bool:
        return len(self._running) < self._number

    @property
    def is_idle(self) -> bool:
        return not self._running

    def are_here(self, job_ids: set[UUID]) -> set[UUID]:
        """Those of these jobs that wait here or are being applied here."""
        waiting = {id_of(entry) for entry in self.waiting}
        applying = (batch.touched.changed for batch in self._running.values())
        return job_ids & waiting.union(*applying)

    def start(self, most_jobs: int, most_bytes: int) -> None:
        """What can begin of what waits has begun, in as many lanes as are free."""
        while self.is_free and self.waiting:
            applying = [self.elsewhere, *(batch.touched for batch in self._running.values())]
            batch, self.waiting = formed(self.waiting, applying, most_jobs, most_bytes)
            if not batch.entries:
                break
            self._running[asyncio.create_task(self._apply_batch(batch.entries))] = batch

    async def change(self) -> None:
        """Returns when a batch has ended; raises what it raised."""
        if self._running:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        self.clear()

    async def end(self) -> None:
        """Returns when all batches have ended; raises what one of them raised."""
        while self._running:
            await self.change()

    def clear(self) -> None:
        """What has ended is forgotten; raises what it raised."""
        ended = [task for task in self._running if task.done()]
        for task in ended:
            del self._running[task]
        errors = [task.exception() for task in ended if not task.cancelled()]
        for error in errors:
            if error is not None:
                raise error

    def give_up(self, lost: Collection[Entry]) -> None:
        """Somebody else may have these now: batches that have one of them are broken off.

        Behind the first step of theirs: who is cancelled before has never begun, and puts nothing
        down.
        """
        takings = {(entry.name, entry.token) for entry in lost}
        self.waiting = [e for e in self.waiting if (e.name, e.token) not in takings]
        for task, batch in self._running.items():
            if any((e.name, e.token) in takings for e in batch.entries):
                asyncio.get_running_loop().call_soon(task.cancel)
