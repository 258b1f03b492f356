"""What else may be in the queues: functions and cron jobs that Arq runs in its own way."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

from arq.constants import retry_key_prefix
from arq.worker import Worker

from jobs import codec
from jobs.codec import Poison
from worker.connection import REDIS_ERRORS
from worker.queue.holding import Entry


class Others:
    """Runs entries for functions named `names` as `worker` would have, beside the lanes."""

    def __init__(
        self, worker: Worker, names: Collection[str], let_go: Callable[[list[Entry]], None]
    ) -> None:
        self._worker = worker
        self._names = names
        self._let_go = let_go
        self._running: set[asyncio.Task[None]] = set()

    @property
    def are_idle(self) -> bool:
        return not self._running

    def started(self, entries: list[Entry]) -> list[Entry]:
        """Those of `entries` that are jobs of ours; the others have begun."""
        if not self._names:
            return entries
        theirs = [entry for entry in entries if self._is_theirs(entry)]
        for entry in theirs:
            task = asyncio.create_task(self._run(entry))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return [entry for entry in entries if entry not in theirs]

    async def end(self) -> None:
        await asyncio.gather(*self._running)

    def _is_theirs(self, entry: Entry) -> bool:
        """Arq ends what it runs in the worker's own queue, wherever it came from."""
        delivery = entry.delivery
        return (
            delivery.queue == self._worker.queue_name
            and isinstance(delivery.request, Poison)
            and codec.function_of(delivery.request.raw) in self._names
        )

    async def _run(self, entry: Entry) -> None:
        """What Redis keeps from beginning or ending comes back when its hold has ended."""
        try:
            with suppress(*REDIS_ERRORS):
                # Arq counts what it runs itself.
                await self._worker.pool.decr(retry_key_prefix + entry.delivery.arq_id)
                await self._worker.run_job(entry.delivery.arq_id, int(entry.score))
        finally:
            self._let_go([entry])
