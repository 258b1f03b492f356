"""The producers' side: jobs into Redis, or into the ledger; and their outcomes back."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from arq.connections import ArqRedis
from pydantic import TypeAdapter
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from jobs.awaiting import Awaiting, LedgerReader
from jobs.chaining import Chain
from jobs.connections import ANSWER_SECONDS
from jobs.envelope import KINDS, VERSIONS, AnyJob, WireJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import DispatchTasks
from jobs.recording import Connection, Driver, Recorded, Session, record
from jobs.sharing import Share, take_part
from jobs.signing import Signer
from jobs.streaming import StreamedEvent, follow
from jobs.watching import Watcher
from jobs.wire import job_payload, put, queue_id, ready_key, result_key, wake_up

DEFAULT_TIMEOUT_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 5.0
"""Tasks become ready by time alone, too, which nobody tells."""
HESITATION_SECONDS = 0.01

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

    `read_ledger` is asked where Redis has no answer, which it keeps for a minute. With a `signer`
    what is enqueued is signed.
    """

    def __init__(
        self,
        redis: ArqRedis,
        *,
        queue_name: str | None = None,
        read_ledger: LedgerReader | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._queue_name = queue_name or redis.default_queue_name
        self._chain = Chain()
        self._redis = redis
        self._signer = signer
        self._watcher = Watcher(redis)
        self._awaiting = Awaiting(self._watcher, read_ledger)

    async def enqueue(self, job: AnyJob, *, ordered: bool = True) -> Handle:
        return (await self.enqueue_many([job], ordered=ordered))[0]

    async def enqueue_many(self, jobs: Sequence[AnyJob], *, ordered: bool = True) -> list[Handle]:
        """The jobs are queued in this order; one whose id is queued already is left as it is.

        One round trip for 5,000 of them; others are served between any hundred. After an error some
        may be queued: send all of them again, those that are there stay as they are.

        `ordered`: jobs about one task wait for each other, in this call and for ten seconds after.
        """
        sent = self._chain.ordered(jobs) if ordered else list(jobs)
        entries = [(queue_id(job.id), job_payload(job, self._signer)) for job in sent]
        new = await put(self._redis, self._queue_name, entries)
        if ordered:
            self._chain.remember(sent)
        return [Handle(job, is_new, self._awaiting) for job, is_new in zip(sent, new, strict=True)]

    async def record(
        self,
        jobs: Sequence[AnyJob],
        session: Session | Connection | Driver,
        *,
        ordered: bool = True,
    ) -> list[Recorded]:
        """The jobs are accepted when the caller's transaction commits; then call `wake`.

        `session`: an AsyncSession or AsyncConnection of SQLAlchemy's, or a connection of asyncpg's.
        `ordered`: jobs about one task wait for each other, in this call and after `wake`.
        Raises the driver's error 22023, which says what to do, if one cannot be recorded: none is.
        """
        return await record(self._chain.ordered(jobs) if ordered else jobs, session)

    async def wake(self, recorded: Sequence[Recorded]) -> bool:
        """Workers take up at once what was recorded: to be called after the commit.

        False if Redis cannot be told. Then, or without this call, the workers find it themselves,
        within `TASKRAIL_SWEEPER_SECONDS`.
        """
        jobs = [one.job for one in recorded if one.waits]
        entries = [(queue_id(job.id), wake_up(job.tenant_id, job.id, job.kind)) for job in jobs]
        self._chain.remember(jobs)
        try:
            await put(self._redis, self._queue_name, entries)
        except (RedisError, OSError):
            return False
        return True

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
            async with asyncio.timeout(ANSWER_SECONDS):
                seen = await self._redis.get(ready_key(tenant_id))
            handle = await self.enqueue(new_job(asked, tenant_id, actor_id))
            outcome = await handle.outcome()
            left = deadline - clock()
            if outcome.get("result", {}).get("tasks") != [] or left <= 0:
                return outcome
            await self._wait_for_work(tenant_id, seen, min(left, LOOK_AGAIN_SECONDS))

    def events(
        self, tenant_id: UUID, *, after: str | None = None, share: Share | None = None
    ) -> AsyncGenerator[StreamedEvent, None]:
        """The tenant's events behind the entry `after`; "0": all that are kept, None: from now on.

        With a `share` the group knows what comes next, and one of its consumers gets it. Each event
        comes at least once; waits for Redis while it is away. Raises EventsLost.
        """
        if share is not None:
            return take_part(self._redis, tenant_id, share)
        return follow(self._redis, tenant_id, after)

    async def aclose(self) -> None:
        """Nobody waits any more, and the connection on which outcomes came is closed."""
        await self._watcher.aclose()

    async def _wait_for_work(self, tenant_id: UUID, seen: bytes | None, seconds: float) -> None:
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
