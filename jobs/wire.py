"""Where jobs stand in Redis: Arq's own keys, written by one script. And how they are wrapped."""

import asyncio
import time
from collections.abc import Sequence
from hashlib import sha1
from typing import Any
from uuid import UUID

from arq.connections import ArqRedis
from arq.constants import job_key_prefix, result_key_prefix
from arq.jobs import serialize_job
from redis.exceptions import NoScriptError

from jobs.codec import dump
from jobs.connections import ANSWER_SECONDS
from jobs.envelope import AnyJob
from jobs.signing import Signer

CHUNK_JOBS, TRIP_CHUNKS = 100, 50
"""Most jobs of one script: others are served between two of them. Most scripts of one trip."""

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
ENQUEUE_SHA = sha1(ENQUEUE.encode(), usedforsecurity=False).hexdigest()

Entries = Sequence[tuple[str, bytes]]
"""Arq ids, each with a payload."""


def queue_id(job_id: UUID) -> str:
    """The id of the job in Arq's keys."""
    return str(job_id)


def result_key(job_id: UUID) -> str:
    """Arq's key of the job's result."""
    return result_key_prefix + queue_id(job_id)


def ready_key(tenant_id: UUID) -> str:
    """The Redis key that is written whenever a task of the tenant may have become ready."""
    return f"taskrail:ready:{tenant_id}"


async def put(redis: ArqRedis, queue_name: str, entries: Entries) -> list[bool]:
    """Queues payloads under their Arq ids; False for those that were queued already.

    One round trip for 5,000. An error says nothing about which of them were queued; TimeoutError
    comes when there was no answer for five seconds.
    """
    new: list[bool] = []
    for trip in _parts(entries, CHUNK_JOBS * TRIP_CHUNKS):
        chunks = _parts(trip, CHUNK_JOBS)
        async with asyncio.timeout(ANSWER_SECONDS):
            new += await _put_in_order(redis, queue_name, chunks)
    return new


async def _put_in_order(redis: ArqRedis, queue_name: str, chunks: list[Entries]) -> list[bool]:
    """What a server without the script has refused is sent once more."""
    answers = await _answers(redis, queue_name, chunks)
    refused = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if refused:
        await redis.script_load(ENQUEUE)
        again = await _answers(redis, queue_name, [chunks[n] for n in refused])
        answers = [again.pop(0) if n in refused else a for n, a in enumerate(answers)]
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return [bool(is_new) for answer in answers for is_new in answer]


async def _answers(redis: ArqRedis, queue_name: str, chunks: list[Entries]) -> list[Any]:
    """In one trip. No transaction, and no script that the client looks for: a producer may not."""
    async with redis.pipeline(transaction=False) as pipeline:
        for chunk in chunks:
            arguments: list[Any] = [part for entry in chunk for part in entry]
            pipeline.evalsha(
                ENQUEUE_SHA, 1, queue_name, job_key_prefix, result_key_prefix, *arguments
            )
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
    return answers


def _parts(entries: Entries, most: int) -> list[Entries]:
    return [entries[start : start + most] for start in range(0, len(entries), most)]


def job_payload(job: AnyJob, signer: Signer | None = None) -> bytes:
    """What `enqueue` puts into Redis for the job."""
    if signer is None:
        return payload(job.kind, job.model_dump(mode="json", exclude_unset=True))
    named = job.model_copy(update={"kid": signer.kid})
    return payload(job.kind, signer.signed(named.model_dump_json(exclude_unset=True)))


def payload(kind: str, argument: dict[str, Any]) -> bytes:
    """An envelope, signed or not, in Arq's wrapping, enqueued now."""
    enqueued_at = time.time_ns() // 1_000_000
    return serialize_job(kind, (argument,), {}, None, enqueued_at, serializer=dump)


def wake_up(tenant_id: UUID, job_id: UUID, kind: str) -> bytes:
    """What Redis is told of a recorded job: whose it is, and which."""
    return payload(kind, {"tenant_id": tenant_id, "id": job_id})
