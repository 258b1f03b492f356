"""What producers put into Redis, on a Redis made of Python."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus
from fakeredis import FakeAsyncRedis
from uuid_utils.compat import uuid7

from jobs import codec
from jobs.chaining import MAX_REMEMBERED, Chain
from jobs.envelope import AnyJob, Job
from jobs.payloads.lifecycle import CancelTask, CompleteTask, DispatchTasks, RenewLease
from jobs.payloads.task import CommentTask, CreateTask
from jobs.producer import Producer, new_job

TENANT, ACTOR, TASK = uuid4(), uuid4(), uuid4()


@pytest.fixture
async def redis() -> AsyncIterator[ArqRedis]:
    server = FakeAsyncRedis()
    pool = server.connection_pool
    yield ArqRedis(pool, job_serializer=codec.dump, job_deserializer=codec.load)
    await server.aclose()


@pytest.fixture
async def producer(redis: ArqRedis) -> AsyncIterator[Producer]:
    async with aclosing(Producer(redis)) as producer:
        yield producer


def complete(task_id: UUID = TASK, **header: Any) -> AnyJob:
    return new_job(CompleteTask(task_id=task_id), TENANT, ACTOR, **header)


def comment(task_id: UUID = TASK) -> AnyJob:
    return new_job(CommentTask(task_id=task_id, comment_id=uuid7(), body="Done?"), TENANT, ACTOR)


async def settle(redis: ArqRedis, job: AnyJob, tenant_id: UUID = TENANT) -> dict[str, Any]:
    """What a worker leaves behind."""
    outcome = {"job_id": str(job.id), "status": "applied", "result": {}}
    result = {"s": True, "a": [{"tenant_id": str(tenant_id), "id": str(job.id)}], "r": outcome}
    await redis.set(f"arq:result:{job.id}", codec.dump(result), px=60_000)
    return outcome


async def test_a_new_job_is_valid_on_the_wire(producer: Producer, redis: ArqRedis) -> None:
    job = complete()

    handle = await producer.enqueue(job)

    assert handle.is_new
    raw = await redis.get(f"arq:job:{job.id}")
    assert codec.read(raw) == job


async def test_arq_itself_reads_what_is_queued(producer: Producer, redis: ArqRedis) -> None:
    job = complete()
    await producer.enqueue(job)

    queued = ArqJob(str(job.id), redis, _deserializer=codec.load)
    info = await queued.info()

    assert await queued.status() is JobStatus.queued
    assert info is not None
    assert info.function == "task.complete"


async def test_a_queued_job_never_expires(producer: Producer, redis: ArqRedis) -> None:
    job = complete()

    await producer.enqueue(job)

    assert await redis.ttl(f"arq:job:{job.id}") == -1


async def test_a_queued_id_is_never_overwritten(producer: Producer, redis: ArqRedis) -> None:
    job = complete()
    await producer.enqueue(job)
    queued = await redis.get(f"arq:job:{job.id}"), await redis.zscore("arq:queue", str(job.id))

    again = await producer.enqueue(complete(uuid4(), id=job.id))

    assert not again.is_new
    now = await redis.get(f"arq:job:{job.id}"), await redis.zscore("arq:queue", str(job.id))
    assert now == queued


async def test_many_jobs_are_queued_in_the_order_given(producer: Producer, redis: ArqRedis) -> None:
    jobs = [complete(uuid4()) for _ in range(250)]
    jobs.reverse()

    await producer.enqueue_many(jobs[:150])
    await producer.enqueue_many(jobs[150:])

    queue = await redis.zrange("arq:queue", 0, -1)
    assert [name.decode() for name in queue] == [str(job.id) for job in jobs]


async def test_another_queue_can_be_named(redis: ArqRedis) -> None:
    await Producer(redis, queue_name="express").enqueue(complete())

    assert await redis.zcard("express") == 1
    assert await redis.zcard("arq:queue") == 0


async def test_the_outcome_is_what_the_worker_left(producer: Producer, redis: ArqRedis) -> None:
    handle = await producer.enqueue(complete())

    outcome = await settle(redis, handle.job)

    assert await handle.outcome() == outcome
    assert await producer.outcome(TENANT, handle.job.id) == outcome


async def test_the_outcome_of_another_tenant_is_not_told(
    producer: Producer, redis: ArqRedis
) -> None:
    handle = await producer.enqueue(complete())

    await settle(redis, handle.job, tenant_id=uuid4())

    with pytest.raises(TimeoutError):
        await handle.outcome(0.05)


async def test_what_is_not_settled_in_time_times_out(producer: Producer) -> None:
    handle = await producer.enqueue(complete())

    with pytest.raises(TimeoutError, match=r"not settled in 0\.02 seconds"):
        await handle.outcome(0.02)


async def test_the_ledger_is_asked_where_redis_has_no_answer(redis: ArqRedis) -> None:
    job = complete()
    stored = {"job_id": str(job.id), "status": "rejected", "code": "not_found"}
    ledger = {(TENANT, job.id): stored}

    async def read_ledger(tenant_id: UUID, job_id: UUID) -> dict[str, Any] | None:
        return ledger.get((tenant_id, job_id))

    async with aclosing(Producer(redis, read_ledger=read_ledger)) as producer:
        assert await producer.outcome(TENANT, job.id, 0.01) == stored
    with pytest.raises(TimeoutError):
        await producer.outcome(uuid4(), job.id, 0.01)


async def test_an_id_settled_before_is_asked_again(producer: Producer, redis: ArqRedis) -> None:
    job = complete()
    await settle(redis, job)

    again = await producer.enqueue(job)

    assert again.is_new
    assert not await redis.exists(f"arq:result:{job.id}")


async def test_jobs_about_one_task_wait_for_each_other(producer: Producer) -> None:
    first, second, other = comment(), complete(), complete(uuid4())

    in_one_call = await producer.enqueue_many([first, second, other])
    later = await producer.enqueue(comment())

    assert [handle.job.after for handle in in_one_call] == [[], [first.id], []]
    assert later.job.after == [second.id]


async def test_a_created_task_is_waited_for_with_its_subtasks(producer: Producer) -> None:
    part = uuid7()
    subtasks = [{"task_id": part, "title": "Part"}]
    new = CreateTask(task_id=TASK, project_id=uuid4(), title="Whole", subtasks=subtasks)
    create = new_job(new, TENANT, ACTOR)

    handles = await producer.enqueue_many([create, comment(), comment(part)])

    assert [handle.job.after for handle in handles] == [[], [create.id], [create.id]]


async def test_unordered_jobs_wait_for_nobody(producer: Producer) -> None:
    handles = await producer.enqueue_many([comment(), complete()], ordered=False)

    assert [handle.job.after for handle in handles] == [[], []]


async def test_own_predecessors_stay_and_are_not_repeated(producer: Producer) -> None:
    first, own = comment(), uuid7()

    _, second = await producer.enqueue_many([first, complete(after=[own, first.id])])

    assert second.job.after == [own, first.id]


async def test_nobody_waits_for_a_renewal_nor_a_renewal_for_anybody(producer: Producer) -> None:
    first = comment()
    renewal = new_job(RenewLease(task_id=TASK, token=1), TENANT, ACTOR)

    handles = await producer.enqueue_many([first, renewal, complete()])

    assert [handle.job.after for handle in handles] == [[], [], [first.id]]


async def test_another_tenants_task_of_the_same_id_is_another_task(producer: Producer) -> None:
    stranger = new_job(CancelTask(task_id=TASK), uuid4(), ACTOR)

    handles = await producer.enqueue_many([comment(), stranger])

    assert handles[1].job.after == []


async def test_a_job_sent_again_does_not_wait_for_its_successor(producer: Producer) -> None:
    first = comment()
    await producer.enqueue_many([first, complete()])

    again = await producer.enqueue(first)

    assert again.job.after == []


def test_order_is_forgotten_after_ten_seconds_and_never_fills_the_memory() -> None:
    now = 0.0
    chain = Chain(clock=lambda: now)
    chain.remember([comment()])

    now = 10.1

    assert chain.ordered([complete()])[0].after == []
    chain.remember([complete(uuid4(), id=uuid7()) for _ in range(2)] * MAX_REMEMBERED)
    assert len(chain._last) <= MAX_REMEMBERED  # noqa: SLF001 - memory is what is claimed


def test_a_job_without_a_task_is_in_no_chain() -> None:
    dispatch = new_job(DispatchTasks(), TENANT, ACTOR)

    assert isinstance(dispatch, Job)
    assert Chain().ordered([dispatch, dispatch])[1].after == []
