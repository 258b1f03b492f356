"""The durable way in: recorded in the producer's transaction, woken after it, by reference."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

from db.urls import libpq_url
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from jobs.wire import job_payload
from tests.counts import make_due
from tests.databases import Database
from tests.workers import Scene
from worker.consumer import Consumer
from worker.loops.sweeper import Sweeper
from worker.signals import BatchApplied

Transaction = AsyncSession | AsyncConnection | Any


@pytest.fixture(params=["session", "connection", "asyncpg"])
async def transaction(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Any]:
    """One of the three, in the producer's role, with a transaction of the caller's."""
    engine = database.engine("producer")
    match request.param:
        case "session":
            async with AsyncSession(engine) as session:
                yield session
        case "connection":
            async with engine.connect() as connection:
                yield connection
        case _:
            dsn = libpq_url(database.settings.resolved_database_url).get_secret_value()
            driver = await asyncpg.connect(dsn, server_settings={"role": "taskrail_producer"})
            await driver.execute("BEGIN")
            yield driver
            await driver.close()


async def commit(transaction: Transaction) -> None:
    if isinstance(transaction, AsyncSession | AsyncConnection):
        await transaction.commit()
    else:
        await transaction.execute("COMMIT")


async def test_what_is_woken_after_the_commit_is_applied_without_a_sweep(
    scene: Scene, transaction: Transaction
) -> None:
    scene.settings = scene.settings.model_copy(update={"sweeper_seconds": 3600.0})
    job = scene.cast.task()
    async with scene.running(Consumer):
        await (await scene.producer.enqueue(scene.cast.task())).outcome()
        recorded = await scene.producer.record([job], transaction)
        await commit(transaction)

        assert await scene.producer.wake(recorded)
        outcome = await scene.producer.outcome(job.tenant_id, job.id)

    assert outcome["status"] == "applied"


async def test_before_the_commit_a_wake_up_is_for_nothing(
    scene: Scene, transaction: Transaction
) -> None:
    job = scene.cast.task()
    recorded = await scene.producer.record([job], transaction)
    await scene.producer.wake(recorded)

    await scene.drain(Consumer)

    assert await scene.keys() == set()
    await commit(transaction)
    assert await Sweeper().sweep(scene.engine.runtime) == 1


async def test_recorded_jobs_about_one_task_wait_for_each_other(
    scene: Scene, database: Database
) -> None:
    task_id = uuid7()
    jobs = [scene.cast.task(task_id), _said(scene, task_id, "first"), _said(scene, task_id, "last")]

    async with database.engine("producer").begin() as connection:
        recorded = await scene.producer.record(jobs, connection)
    await scene.producer.wake(recorded)
    later = await scene.producer.enqueue(_said(scene, task_id, "later"))

    chain = [one.job for one in recorded] + [later.job]
    assert [job.after for job in chain] == [[], *([job.id] for job in chain[:-1])]
    await scene.drain(Consumer)
    assert (await later.outcome())["status"] == "applied"


async def test_a_redis_that_is_away_keeps_nobody_from_recording(
    scene: Scene, database: Database
) -> None:
    await scene.redis.config_set("maxmemory", "1")
    try:
        async with database.engine("producer").begin() as connection:
            recorded = await scene.producer.record([scene.cast.task()], connection)
        assert not await scene.producer.wake(recorded)
    finally:
        await scene.redis.config_set("maxmemory", "0")

    assert await Sweeper().sweep(scene.engine.runtime) == 1


async def test_what_is_settled_or_another_job_is_not_woken(
    scene: Scene, database: Database
) -> None:
    job = scene.cast.task()
    other = scene.cast.task().model_copy(update={"id": job.id})
    await scene.engine.outcomes([job])

    async with database.engine("producer").begin() as connection:
        recorded = await scene.producer.record([job, other], connection, ordered=False)
    await scene.producer.wake(recorded)

    assert [one.status for one in recorded] == ["applied", "applied"]
    assert [one.conflict for one in recorded] == [False, True]
    assert await scene.redis.zcard("arq:queue") == 0


@pytest.mark.parametrize("forged", ["expires_at", "after", "payload"])
async def test_an_altered_entry_in_redis_changes_nothing(scene: Scene, forged: str) -> None:
    """Whoever writes to Redis can name a recorded job; what it says comes from the ledger."""
    job = scene.cast.task()
    await scene.engine.record([job])
    await make_due(scene, "clock_timestamp() + interval '1 hour'")
    changes = {
        "expires_at": job.issued_at,
        "after": [uuid7()],
        "payload": job.payload.model_copy(update={"title": "forged"}),
    }
    altered = job.model_copy(update={forged: changes[forged]})
    await scene.redis.set(f"arq:job:{job.id}", job_payload(altered))
    await scene.redis.zadd("arq:queue", {str(job.id): 1})

    await scene.drain(Consumer)

    ledger = await scene.engine.row("job", scene.cast.tenant_id, job.id)
    assert ledger["status"] == "accepted"
    await make_due(scene)
    assert await Sweeper().sweep(scene.engine.runtime) == 1
    await scene.drain(Consumer)
    assert (await scene.producer.outcome(job.tenant_id, job.id))["status"] == "applied"
    assert sum(batch.applied for batch in scene.signals.of(BatchApplied)) == 1


def _said(scene: Scene, task_id: Any, body: str) -> AnyJob:
    said = CommentTask(task_id=task_id, comment_id=uuid7(), body=body)
    return scene.cast.by(scene.cast.owner, said)
