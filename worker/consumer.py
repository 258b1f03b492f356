"""The consumer: take many jobs in one round trip, apply them together, settle many in one.

It is an Arq worker with another main loop: same settings, same keys, same producers. What it does
with jobs stands in line.py; here is how it starts, what it does when a server is away, how it ends.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from signal import Signals
from typing import Any

from arq.connections import ArqRedis
from arq.worker import Worker
from redis.asyncio import ConnectionPool
from redis.exceptions import ResponseError

from db.unit_of_work import unit_of_work
from jobs.errors import StoreUnavailable
from worker.connection import REDIS_ERRORS, connected_later, for_consumer
from worker.counting import take_back
from worker.outage import Outage
from worker.queue.bell import Bell
from worker.queue.draining import Draining
from worker.queue.holding import Queues
from worker.queue.line import Line
from worker.runtime import Runtime
from worker.signals import QueueBack, QueueEvicts, QueueLost, StoreBack, StoreLost
from worker.signing import keyring

HARMLESS = "noeviction"
HEART_BEAT_SECONDS, CRON_SECONDS = 1.0, 0.5
"""An idle worker sees so often to its health key; Arq looks for cron jobs, a second ahead."""


class Consumer(Worker):
    """Runs until SIGTERM or SIGINT or, with `burst`, until the queues are empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._stopping = asyncio.Event()
        self._is_new_redis = True
        self._redis_outage = Outage(QueueLost, QueueBack)
        self._store_outage = Outage(StoreLost, StoreBack)
        self._next_health_check = 0.0

    async def main(self) -> None:
        """Nothing is in hand when it returns."""
        self._pool = self._pool or self._own_pool()
        self.ctx["redis"] = self._pool
        if self.on_startup:
            await self.on_startup(self.ctx)
        runtime: Runtime = self.ctx["runtime"]
        draining = Draining(runtime)
        async with self._opened(runtime) as line:
            while not self._stopping.is_set():
                await self._rest(await self._round(line, draining, runtime))
            await line.abandon()
            await draining.end()
            await take_back(runtime)

    async def async_run(self) -> None:
        """Unlike Arq's it leaves nothing open."""
        try:
            await super().async_run()
        finally:
            await self.close()

    @asynccontextmanager
    async def _opened(self, runtime: Runtime) -> AsyncIterator[Line]:
        """A line from this worker's queues, with holds that are renewed as long as the block."""
        settings = runtime.settings
        shares, hold_seconds = settings.shares, settings.hold_seconds
        keys = keyring(settings)

        def queues(redis: ArqRedis) -> Queues:
            return Queues(redis, shares, hold_seconds, keys)

        bell = Bell(self.pool, list(shares), settings.poll_seconds)
        line = Line(queues(self.pool), bell, runtime, self)
        try:
            async with line.renewing.running(self._own_pool, queues, hold_seconds):
                yield line
        finally:
            await bell.close()

    def _own_pool(self) -> ArqRedis:
        """New connections to the same server; those of another event loop cannot be shared."""
        if self.redis_settings is None:
            known = self.pool.connection_pool
            kind, options = known.connection_class, known.connection_kwargs
            return ArqRedis(
                ConnectionPool(connection_class=kind, **options),
                job_serializer=self.job_serializer,
                job_deserializer=self.job_deserializer,
                default_queue_name=self.queue_name,
            )
        return connected_later(
            for_consumer(self.redis_settings),
            job_serializer=self.job_serializer,
            job_deserializer=self.job_deserializer,
            default_queue_name=self.queue_name,
        )

    async def _round(self, line: Line, draining: Draining, runtime: Runtime) -> float:
        """One step, if the servers are there. Seconds to rest before the next."""
        try:
            await self.heart_beat()
            if self._is_new_redis:
                await _warn_of_eviction(self.pool, runtime)
            if self._store_outage.attempts:
                await _probe(runtime)
            # What the drain tries alone has nothing beside it.
            await draining.end()
            if not await line.step() and not await self._stop_if_drained(line):
                longest = CRON_SECONDS if self.cron_jobs else HEART_BEAT_SECONDS
                await line.change(self._stopping, longest)
        except StoreUnavailable as error:
            await line.abandon()
            return self._store_outage.failed(error, runtime.emit)
        except REDIS_ERRORS as error:
            await line.abandon()
            draining.begin()
            self._is_new_redis = True
            return self._redis_outage.failed(error, runtime.emit)
        self._is_new_redis = False
        self._store_outage.served(runtime.emit)
        self._redis_outage.served(runtime.emit)
        self.jobs_complete = line.jobs_complete
        return 0.0

    async def _stop_if_drained(self, line: Line) -> bool:
        """Whether all is to stop."""
        if self.burst and line.is_empty and not await line.queues.size():
            self._stopping.set()
        return self._stopping.is_set()

    async def _rest(self, seconds: float) -> None:
        """Cut short by a signal to stop."""
        if seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()

    async def record_health(self) -> None:
        """Arq's health key, which `arq --check` reads, with what is wrong at the end."""
        if time.monotonic() < self._next_health_check:
            return
        self._next_health_check = time.monotonic() + self.health_check_interval
        queued = await self.pool.zcard(self.queue_name)
        trouble = self._store_outage.reason
        info = (
            f"{datetime.now():%b-%d %H:%M:%S} "  # noqa: DTZ005 - Arq writes local time
            f"j_complete={self.jobs_complete} j_failed={self.jobs_failed} "
            f"j_retried={self.jobs_retried} j_ongoing=0 queued={queued}"
            f"{f' store is away: {trouble}' if trouble else ''}"
        )
        lifetime = int((self.health_check_interval + 1) * 1000)
        await self.pool.set(self.health_check_key, info.encode(), px=lifetime)

    def handle_sig(self, signum: Signals) -> None:
        """What is being applied is finished and settled; nothing new is taken."""
        self._stopping.set()
        if self.on_stop:
            self.on_stop(signum)

    async def close(self) -> None:
        """Loops and connections are closed, also when Redis is away."""
        if self._pool is None:
            return
        with suppress(*REDIS_ERRORS):
            await self.pool.delete(self.health_check_key)
        try:
            if self.on_shutdown:
                await self.on_shutdown(self.ctx)
        finally:
            await self.pool.aclose(close_connection_pool=True)
            self._pool = None


async def _warn_of_eviction(redis: ArqRedis, runtime: Runtime) -> None:
    """Full memory would drop jobs that Redis has acknowledged; a worker can only say so."""
    try:
        policy = (await redis.info("memory")).get("maxmemory_policy", HARMLESS)
    except ResponseError:  # it may not ask
        return
    if policy != HARMLESS:
        runtime.emit(QueueEvicts(policy=policy))


async def _probe(runtime: Runtime) -> None:
    """Raises StoreUnavailable while PostgreSQL does not answer; then nothing is owed any more."""
    async with unit_of_work(runtime.engine) as uow:
        await uow.clock()
    await take_back(runtime)
