"""The producers' side: jobs into Redis, or into the ledger; and their outcomes back.

What is written are Arq's own keys, so any Arq worker and Arq's own `Job` can read them.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from arq.connections import ArqRedis
from arq.constants import job_key_prefix, result_key_prefix
from arq.jobs import serialize_job
from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from jobs.awaiting import Awaiting, LedgerReader
from jobs.chaining import Chain
from jobs.codec import dump
from jobs.envelope import KINDS, VERSIONS, AnyJob, WireJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import DispatchTasks
from jobs.tracking import ANSWER_SECONDS
from jobs.watching import Watcher

CHUNK_JOBS = 100
DEFAULT_TIMEOUT_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 5.0
"""Tasks become ready by time alone, too, which nobody tells."""
HESITATION_SECONDS = 0.01

ENQUEUE = """
-- KEYS: the queue. ARGV: prefixes of job and result keys, then id and payload of each job.
-- Scores are the server's time in milliseconds, a microsecond apart, so that the order stays.
local time, answer, known, queued = redis.call('TIME'), {}, {}, {}
local now = time[1] * 1000 + time[2] / 1000
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local new = redis.call('SET', ARGV[1] .. id, ARGV[i + 1], 'NX')
  if new then known[#known + 1] = ARGV[2] .. id end
  queued[#queued + 1] = string.format('%.3f', now + (i - 3) / 2000)
  queued[#queued + 1] = id
  answer[#answer + 1] = new and 1 or 0
end
if #known > 0 then redis.call('DEL', unpack(known)) end
redis.call('ZADD', KEYS[1], 'NX', unpack(queued))
return answer
"""

RECORD = "SELECT job_id, status, outcome, conflict FROM taskrail.record($1::jsonb)"

_ENVELOPE: TypeAdapter[AnyJob] = TypeAdapter(WireJob)


def new_job(asked: Payload, tenant_id: UUID, actor_id: UUID | None = None, **header: Any) -> AnyJob:
    """A job with a new id, issued now. `header`: other fields of the envelope, or these two.

    Raises pydantic.ValidationError if a field is wrong, KeyError if no job has such a payload.
    """
    kind = KINDS[type(asked)]
    return _ENVELOPE.validate_python(
        {
            "id": uuid7(),
            "tenant_id": tenant_id,
            "actor_id": actor_id,
            "kind": kind,
            "schema_version": VERSIONS[kind],
            "issued_at": datetime.now(UTC),
            "payload": asked,
        }
        | header
    )


def queue_id(job_id: UUID) -> str:
    """The id of the job in Arq's keys."""
    return str(job_id)


def result_key(job_id: UUID) -> str:
    """Arq's key of the job's result."""
    return result_key_prefix + queue_id(job_id)


def ready_key(tenant_id: UUID) -> str:
    """The Redis key that is written whenever a task of the tenant may have become ready."""
    return f"taskrail:ready:{tenant_id}"


@dataclass(frozen=True, slots=True)
class Handle:
    """A job that Redis has acknowledged. `is_new`: False if its id was in the queue already."""

    job: AnyJob
    is_new: bool
    awaiting: Awaiting

    async def outcome(
        self,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,  # noqa: ASYNC109 - as in Arq's Job.result
    ) -> dict[str, Any]:
        """How the job ended. TimeoutError says that it was not settled in `timeout` seconds."""
        key = result_key(self.job.id)
        return await self.awaiting.outcome(self.job.tenant_id, self.job.id, key, timeout)


class Producer:
    """Enqueues jobs and waits for their outcomes. To be closed with `aclose`, before `redis`.

    `read_ledger` is asked where Redis has no answer, which it keeps for a minute.
    """

    def __init__(
        self,
        redis: ArqRedis,
        *,
        queue_name: str | None = None,
        read_ledger: LedgerReader | None = None,
    ) -> None:
        self._queue_name = queue_name or redis.default_queue_name
        self._chain = Chain()
        self._redis = redis
        self._watcher = Watcher(redis)
        self._awaiting = Awaiting(self._watcher, read_ledger)

    async def enqueue(self, job: AnyJob, *, ordered: bool = True) -> Handle:
        return (await self.enqueue_many([job], ordered=ordered))[0]

    async def enqueue_many(self, jobs: Sequence[AnyJob], *, ordered: bool = True) -> list[Handle]:
        """The jobs are queued in this order; one whose id is queued already is left as it is.

        `ordered`: jobs about one task wait for each other, in this call and for ten seconds after.
        """
        sent = self._chain.ordered(jobs) if ordered else list(jobs)
        handles: list[Handle] = []
        for start in range(0, len(sent), CHUNK_JOBS):
            chunk = sent[start : start + CHUNK_JOBS]
            entries = [(queue_id(job.id), _payload(job)) for job in chunk]
            new = await put(self._redis, self._queue_name, entries)
            handles += [
                Handle(job, is_new, self._awaiting) for job, is_new in zip(chunk, new, strict=True)
            ]
            if ordered:
                self._chain.remember(chunk)
        return handles

    async def outcome(
        self,
        tenant_id: UUID,
        job_id: UUID,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,  # noqa: ASYNC109 - as in Arq's Job.result
    ) -> dict[str, Any]:
        """How a job ended. TimeoutError says that it was not settled in `timeout` seconds."""
        return await self._awaiting.outcome(tenant_id, job_id, result_key(job_id), timeout)

    async def dispatch(
        self, asked: DispatchTasks, tenant_id: UUID, actor_id: UUID, *, seconds: float = 0.0
    ) -> dict[str, Any]:
        """The outcome of a dispatch; with none to lease it asks again when there may be some.

        After `seconds` the last outcome is the answer: applied, with an empty list of tasks.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while True:
            seen = await self._redis.get(ready_key(tenant_id))
            handle = await self.enqueue(new_job(asked, tenant_id, actor_id))
            outcome = await handle.outcome()
            left = deadline - clock()
            if outcome.get("result", {}).get("tasks") != [] or left <= 0:
                return outcome
            await self._work(tenant_id, seen, min(left, LOOK_AGAIN_SECONDS))

    async def aclose(self) -> None:
        """Nobody waits any more, and the connection on which outcomes came is closed."""
        await self._watcher.aclose()

    async def _work(self, tenant_id: UUID, seen: bytes | None, seconds: float) -> None:
        """Returns when the tenant may have new work, after `seconds` at the latest."""
        answer = self._watcher.expect(
            ready_key(tenant_id), lambda value: value if value != seen else None
        )
        try:
            await asyncio.wait([answer], timeout=seconds)
        finally:
            self._watcher.forget(answer)
        # A crowd of idle agents does not come at once.
        await asyncio.sleep(random.uniform(0, HESITATION_SECONDS))  # noqa: S311 - no secret


async def put(redis: ArqRedis, queue_name: str, entries: Sequence[tuple[str, bytes]]) -> list[bool]:
    """Queues payloads under their Arq ids; False for those that were queued already.

    TimeoutError, after five seconds, says nothing about whether they were.
    """
    arguments = [part for entry in entries for part in entry]
    script = redis.register_script(ENQUEUE)
    async with asyncio.timeout(ANSWER_SECONDS):
        answer = await script([queue_name], [job_key_prefix, result_key_prefix, *arguments])
    return [bool(is_new) for is_new in answer]


def payload(kind: str, envelope: dict[str, Any]) -> bytes:
    """The envelope in Arq's wrapping, enqueued now."""
    enqueued_at = time.time_ns() // 1_000_000
    return serialize_job(kind, (envelope,), {}, None, enqueued_at, serializer=dump)


def _payload(job: AnyJob) -> bytes:
    return payload(job.kind, job.model_dump(mode="json", exclude_unset=True))


class Connection(Protocol):
    """What `record` needs of SQLAlchemy's AsyncConnection."""

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger has under a job's id. `conflict`: it is another job's, nothing was saved."""

    job_id: UUID
    status: str
    outcome: dict[str, Any] | None
    conflict: bool


async def record(jobs: Sequence[AnyJob], connection: Connection) -> list[Recorded]:
    """The jobs are in the ledger as soon as the caller's own transaction commits.

    Of an AsyncSession give `await session.connection()`. Raises the driver's error 22023, which
    says what to do, if a job cannot be recorded: none is then.
    """
    envelopes = [job.model_dump(mode="json", exclude_unset=True) for job in jobs]
    rows = await connection.exec_driver_sql(RECORD, (to_json(envelopes).decode(),))
    return [
        Recorded(job_id, status, _parsed(outcome), conflict)
        for job_id, status, outcome, conflict in rows
    ]


def _parsed(outcome: Any) -> Any:
    return from_json(outcome) if isinstance(outcome, str) else outcome
