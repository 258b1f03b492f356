"""An agent's process: it claims tasks, waits for a line on stdin, and reports on them.

Its argument, as JSON: redis_url, queue, tenant_id, agent_id, task_ids, reports, lease_seconds. It
says `holds` when it has all tasks; and in the end, as JSON, how often it was told what.
"""

import asyncio
import sys
from collections import Counter
from contextlib import aclosing
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from arq.connections import RedisSettings, create_pool
from pydantic_core import from_json, to_json

from jobs import codec
from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import (
    ClaimTask,
    CompleteTask,
    FailTask,
    ReleaseTask,
    RenewLease,
    ReportProgress,
    SubmitTask,
)
from jobs.producer import Handle, Producer, new_job

CHUNK_JOBS = 1_000
ANSWER_SECONDS = 120.0


async def work(asked: dict[str, Any]) -> None:
    redis = await create_pool(
        RedisSettings.from_dsn(asked["redis_url"]),
        default_queue_name=asked["queue"],
        job_serializer=codec.dump,
        job_deserializer=codec.load,
    )
    async with aclosing(Producer(redis)) as producer:
        tasks = [UUID(task_id) for task_id in asked["task_ids"]]
        seconds = asked["lease_seconds"]
        claims = [_job(asked, ClaimTask(task_id=t, lease_seconds=seconds)) for t in tasks]
        held = await _outcomes(await producer.enqueue_many(claims))
        tokens = [one["result"]["tasks"][0]["token"] for one in held]
        _say("holds")
        await asyncio.to_thread(sys.stdin.readline)

        told: Counter[str] = Counter()
        reports = _reports(asked, dict(zip(tasks, tokens, strict=True)))
        while chunk := list(islice(reports, CHUNK_JOBS)):
            answers = await _outcomes(await producer.enqueue_many(chunk, ordered=False))
            told.update(f"{one['status']} {one.get('code')}" for one in answers)
        _say(to_json(told).decode())
    await redis.aclose()


def _reports(asked: dict[str, Any], tokens: dict[UUID, int]) -> Any:
    """So many, on each task in turn, of all kinds that a lease is for."""
    places = cycle(tokens.items())
    for number in range(asked["reports"]):
        task_id, token = next(places)
        yield _job(asked, _report(number // len(tokens), {"task_id": task_id, "token": token}))


def _report(number: int, held: dict[str, Any]) -> Payload:
    kinds: tuple[Payload, ...] = (
        ReportProgress(**held, percent=50),
        CompleteTask(**held, result="mine"),
        SubmitTask(**held),
        FailTask(**held, reason="mine"),
        ReleaseTask(**held),
        RenewLease(**held),
    )
    return kinds[number % len(kinds)]


def _job(asked: dict[str, Any], payload: Payload) -> AnyJob:
    return new_job(payload, UUID(asked["tenant_id"]), UUID(asked["agent_id"]))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _outcomes(handles: list[Handle]) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(handle.outcome(ANSWER_SECONDS) for handle in handles)))


if __name__ == "__main__":
    asyncio.run(work(from_json(sys.argv[1])))
