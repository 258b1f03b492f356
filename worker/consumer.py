"""The consumer: take many jobs in one round trip, apply them together, settle many in one.

It is an Arq worker with another main loop: same settings, same keys, same producers.
"""

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from signal import Signals
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker

from db.unit_of_work import unit_of_work
from jobs.errors import StoreUnavailable
from worker.apply import apply
from worker.burying import bury
from worker.connection import REDIS_ERRORS, for_consumer
from worker.deliveries import Disposition
from worker.holding import Entry, Queue, Take
from worker.logs import log_signal
from worker.outage import Outage
from worker.runtime import Runtime
from worker.signals import HoldLost, QueueBack, QueueLost, StoreBack, StoreLost, Taken

ALONE_FROM_DELIVERY = 3
LAST_DELIVERY = 5
CRASH_LOOP = f"taken more than {LAST_DELIVERY} times without an end: it seems to kill its worker"


class Consumer(Worker):
    """Runs until SIGTERM or SIGINT or, with `burst`, until the queue is empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._stopping = asyncio.Event()
        self._redis_outage = Outage(QueueLost, QueueBack)
        self._store_outage = Outage(StoreLost, StoreBack)

    async def main(self) -> None:
        """Nothing is in hand when it returns."""
        self._pool = await self._connected()
        if self._pool is None:
            return
        self.ctx["redis"] = self._pool
        if self.on_startup:
            await self.on_startup(self.ctx)
        runtime: Runtime = self.ctx["runtime"]
        queue = Queue(self._pool, self.queue_name, runtime.settings.hold_seconds)
        while not self._stopping.is_set():
            await self._rest(await self._round(queue, runtime))

    async def async_run(self) -> None:
        """Unlike Arq's it leaves nothing open."""
        try:
            await super().async_run()
        finally:
            await self.close()

    async def _connected(self) -> ArqRedis | None:
        """Redis, as soon as it is there; None if told to stop before."""
        while self._pool is None and not self._stopping.is_set():
            try:
                return await create_pool(
                    for_consumer(self.redis_settings or RedisSettings()),
                    job_serializer=self.job_serializer,
                    job_deserializer=self.job_deserializer,
                    default_queue_name=self.queue_name,
                )
            except REDIS_ERRORS as error:
                await self._rest(self._redis_outage.failed(error, log_signal))
        return self._pool

    async def _round(self, queue: Queue, runtime: Runtime) -> float:
        """One batch, if there is any. Seconds to rest before the next."""
        try:
            await self.record_health()
            pause = await self._consume(queue, runtime)
        except StoreUnavailable as error:
            return self._store_outage.failed(error, runtime.emit)
        except REDIS_ERRORS as error:
            return self._redis_outage.failed(error, runtime.emit)
        self._store_outage.served(runtime.emit)
        self._redis_outage.served(runtime.emit)
        return pause

    async def _consume(self, queue: Queue, runtime: Runtime) -> float:
        if self._store_outage.attempts:
            await _probe(runtime)
        settings = runtime.settings
        take = await queue.take(settings.batch_jobs, settings.batch_bytes)
        if not take.entries:
            await self._stop_if_done()
            return min(settings.poll_seconds, take.next_due_seconds or settings.poll_seconds)
        late_ms = time.time() * 1000 - take.entries[0].score
        runtime.emit(Taken(jobs=len(take.entries), late_seconds=max(0.0, late_ms / 1000)))
        await self._apply(take, queue, runtime)
        return 0.0

    async def _apply(self, take: Take, queue: Queue, runtime: Runtime) -> None:
        chosen = await _chosen(take, queue)
        try:
            async with queue.holding(take, chosen):
                dispositions = await _dispositions(chosen, runtime)
        except StoreUnavailable:
            await queue.give_back(take, chosen)
            raise
        lost = await queue.settle(take, chosen, dispositions)
        if lost:
            runtime.emit(HoldLost(jobs=lost))
        self.jobs_complete += len(chosen)

    async def _stop_if_done(self) -> None:
        if self.burst and not await self.pool.zcard(self.queue_name):
            self._stopping.set()

    async def _rest(self, seconds: float) -> None:
        """Cut short by a signal to stop."""
        if seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()

    async def record_health(self) -> None:
        """Arq's health key, which `arq --check` reads, with what is wrong at the end."""
        if time.time() - self._last_health_check < self.health_check_interval:
            return
        self._last_health_check = time.time()
        queued = await self.pool.zcard(self.queue_name)
        trouble = self._store_outage.reason
        info = (
            f"{datetime.now():%b-%d %H:%M:%S} "  # noqa: DTZ005 - Arq writes local time
            f"j_complete={self.jobs_complete} j_failed=0 j_retried=0 j_ongoing=0 queued={queued}"
            f"{f' store is away: {trouble}' if trouble else ''}"
        )
        lifetime = int((self.health_check_interval + 1) * 1000)
        await self.pool.set(self.health_check_key, info.encode(), px=lifetime)

    def handle_sig(self, signum: Signals) -> None:
        """The batch in hand is finished and settled; nothing new is taken."""
        self._stopping.set()
        if self.on_stop:
            self.on_stop(signum)

    async def close(self) -> None:
        """Loops and connections are closed, also when Redis is away."""
        if self._pool is None:
            return
        with suppress(*REDIS_ERRORS):
            await self.pool.delete(self.health_check_key)
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        await self.pool.aclose(close_connection_pool=True)
        self._pool = None


async def _probe(runtime: Runtime) -> None:
    """Raises StoreUnavailable while PostgreSQL does not answer."""
    async with unit_of_work(runtime.engine) as uow:
        await uow.tenants.clock()


async def _chosen(take: Take, queue: Queue) -> list[Entry]:
    """All that was taken; but what was taken often before is tried alone, and the rest waits.

    What waits is given back first, uncounted: it must not be blamed if the suspect kills us.
    """
    suspect = next((e for e in take.entries if e.delivery.count >= ALONE_FROM_DELIVERY), None)
    if suspect is None:
        return take.entries
    await queue.give_back(take, [entry for entry in take.entries if entry is not suspect])
    return [suspect]


async def _dispositions(entries: list[Entry], runtime: Runtime) -> list[Disposition]:
    deliveries = [entry.delivery for entry in entries]
    if deliveries[0].count > LAST_DELIVERY:
        return [await bury(deliveries[0], CRASH_LOOP, runtime)]
    return await apply(deliveries, runtime)
