"""A producer as a program of somebody else's would be: asyncpg, Arq's keys, patience that ends.

It records what it did, and what it knows of how that ended.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Any, Self

import asyncpg
from arq.connections import ArqRedis, RedisSettings, create_pool
from pydantic_core import from_json, to_json
from redis.exceptions import RedisError

from jobs import codec
from jobs.envelope import AnyJob
from jobs.producer import Handle, Producer
from jobs.recording import RECORD
from tests.history.arena import QUEUE
from tests.history.recording import Recorder, Result, content_hash, outcome_hash

POSTGRES_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
REDIS_ERRORS = (RedisError, OSError, TimeoutError)
PATIENCE_SECONDS, OUTCOME_SECONDS = 3.0, 15.0


class Client:
    """Sends jobs of one tenant at a time, by PostgreSQL or by Redis."""

    def __init__(self, database_url: str, redis_url: str, recorder: Recorder) -> None:
        self._database_url = database_url
        self._redis_url = redis_url
        self._recorder = recorder
        self._postgres: Any = None
        self._redis: ArqRedis | None = None
        self._producer: Producer | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hang_up()
        await self._forget_redis()

    async def record(self, jobs: Sequence[AnyJob], op: str = "record") -> Result:
        """In a transaction of its own. What is known already is answered with its outcome."""
        invoked = time.monotonic_ns()
        result, rows = await self._recorded([_envelope(job) for job in jobs])
        if any(row["conflict"] for row in rows):
            result = "fail"
        self._recorder.operation(op, result, invoked, **_sent(jobs))
        for row in rows:
            if row["outcome"] is not None and not row["conflict"]:
                self._answered(jobs[0], str(row["job_id"]), from_json(row["outcome"]), invoked)
        return result

    async def statuses(self, jobs: Sequence[AnyJob]) -> set[str]:
        """Where recorded jobs stand; none while nobody can say."""
        _, rows = await self._recorded([_envelope(job) for job in jobs])
        return {row["status"] for row in rows}

    async def enqueue(self, jobs: Sequence[AnyJob], op: str = "enqueue") -> list[Handle]:
        """The handles, if Redis has acknowledged them; otherwise nobody knows."""
        invoked = time.monotonic_ns()
        handles: list[Handle] = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                handles = await (await self._opened()).enqueue_many(jobs, ordered=False)
        except REDIS_ERRORS:
            await self._forget_redis()
        self._recorder.operation(op, "ok" if handles else "info", invoked, **_sent(jobs))
        return handles

    async def await_outcome(self, handle: Handle) -> None:
        invoked = time.monotonic_ns()
        try:
            outcome = await handle.outcome(OUTCOME_SECONDS)
        except REDIS_ERRORS:
            return
        self._answered(handle.job, str(handle.job.id), outcome, invoked)

    async def _recorded(self, envelopes: list[dict[str, Any]]) -> tuple[Result, list[Any]]:
        try:
            connection = await self._connected()
            transaction = connection.transaction()
            await transaction.start()
            rows = await connection.fetch(RECORD, to_json(envelopes).decode())
        except POSTGRES_ERRORS:
            self._hang_up()
            return "fail", []  # nobody has said COMMIT
        try:
            await transaction.commit()
        except POSTGRES_ERRORS:
            self._hang_up()
            return "info", []
        return "ok", rows

    async def _connected(self) -> Any:
        if self._postgres is None or self._postgres.is_closed():
            self._postgres = await asyncpg.connect(
                self._database_url,
                timeout=PATIENCE_SECONDS,
                command_timeout=PATIENCE_SECONDS,
                server_settings={"role": "taskrail_producer"},
            )
        return self._postgres

    def _hang_up(self) -> None:
        if self._postgres is not None:
            self._postgres.terminate()
            self._postgres = None

    async def _opened(self) -> Producer:
        if self._producer is None:
            settings = RedisSettings.from_dsn(self._redis_url)
            settings.conn_retries = 0
            self._redis = await create_pool(
                settings, job_serializer=codec.dump, job_deserializer=codec.load
            )
            self._producer = Producer(self._redis, queue_name=QUEUE)
        return self._producer

    async def _forget_redis(self) -> None:
        """A connection that failed once is not trusted again."""
        producer, redis, self._producer, self._redis = self._producer, self._redis, None, None
        if producer is not None:
            await _quietly(producer.aclose())
        if redis is not None:
            await _quietly(redis.aclose())

    def _answered(self, job: AnyJob, job_id: str, outcome: dict[str, Any], invoked: int) -> None:
        if outcome.get("code") != "idempotency_conflict":
            told = {"status": outcome["status"], "hash": outcome_hash(outcome)}
            self._recorder.operation(
                "outcome", "ok", invoked, tenant=str(job.tenant_id), jobs={job_id: ""}, value=told
            )


def _envelope(job: AnyJob) -> dict[str, Any]:
    return job.model_dump(mode="json", exclude_unset=True)


def _sent(jobs: Sequence[AnyJob]) -> dict[str, Any]:
    hashes = {str(job.id): content_hash(_envelope(job)) for job in jobs}
    return {"tenant": str(jobs[0].tenant_id), "jobs": hashes}


async def _quietly(close: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await close
    except REDIS_ERRORS:
        return
