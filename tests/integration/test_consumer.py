"""The Consumer and stock Arq on the same settings, on a real Valkey and PostgreSQL."""

import asyncio
import os
import signal
import sys
import time
from uuid import UUID

import pytest
from arq.jobs import Job as ArqJob
from arq.worker import Worker
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob, Job
from jobs.payloads.lifecycle import ClaimTask, CompleteTask
from jobs.payloads.task import CommentTask
from settings import Settings
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.signals import BatchApplied, JobBuried, QueueBack, QueueLost, StoreBack, StoreLost

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's

Form = type[Worker]


@pytest.fixture(params=[Consumer, Worker], ids=["consumer", "stock"])
def form(request: pytest.FixtureRequest) -> Form:
    return request.param  # type: ignore[no-any-return]


def comment(scene: Scene, task_id: UUID) -> AnyJob:
    return scene.cast.by(
        scene.cast.owner, CommentTask(task_id=task_id, comment_id=uuid7(), body="Good.")
    )


def wire(job: AnyJob) -> dict[str, object]:
    return job.model_dump(mode="json", exclude_unset=True)


async def status(scene: Scene, job: AnyJob) -> str | None:
    rows = await scene.engine.execute("SELECT status FROM taskrail.job WHERE id = :id", id=job.id)
    return rows[0]["status"] if rows else None


async def test_jobs_are_applied_and_nothing_is_left_in_the_queue(scene: Scene, form: Form) -> None:
    task_id = uuid7()
    handles = await scene.producer.enqueue_many(
        [
            scene.cast.task(task_id),
            scene.cast.by(scene.cast.agent, ClaimTask(task_id=task_id)),
            scene.cast.by(scene.cast.agent, CompleteTask(task_id=task_id, token=1)),
        ]
    )

    await scene.drain(form)

    outcomes = [await handle.outcome(1) for handle in handles]
    assert [outcome["status"] for outcome in outcomes] == ["applied"] * 3
    task = await scene.engine.row("task", scene.cast.tenant_id, task_id)
    assert task["status"] == "completed"
    assert await scene.keys() == set()


async def test_a_plain_arq_producer_gets_the_outcome_as_its_result(
    scene: Scene, form: Form
) -> None:
    job = scene.cast.task()
    queued = await scene.redis.enqueue_job("task.create", wire(job), _job_id=str(job.id))
    assert queued is not None

    await scene.drain(form)

    outcome = await queued.result(timeout=1)
    assert (outcome["job_id"], outcome["status"]) == (str(job.id), "applied")
    info = await queued.result_info()
    assert info is not None
    assert (info.success, info.function) == (True, "task.create")


async def test_the_result_stands_under_both_ids_where_arq_chose_one(
    scene: Scene, form: Form
) -> None:
    job = scene.cast.task()
    queued = await scene.redis.enqueue_job("task.create", wire(job))
    assert queued is not None

    await scene.drain(form)

    told = await scene.producer.outcome(scene.cast.tenant_id, job.id, 1)
    assert told == await queued.result(timeout=1)
    assert await scene.keys() == set()


async def test_an_invalid_job_is_rejected_and_told_why(scene: Scene, form: Form) -> None:
    job = scene.cast.task()
    envelope = wire(job) | {"payload": {"title": "No ids"}}
    await scene.redis.enqueue_job("task.create", envelope, _job_id=str(job.id))

    await scene.drain(form)

    outcome = await scene.producer.outcome(scene.cast.tenant_id, job.id, 1)
    assert (outcome["status"], outcome["code"]) == ("rejected", "invalid")
    assert outcome["message"].startswith("payload.")


async def test_unreadable_bytes_are_kept_and_cost_their_neighbours_nothing(
    scene: Scene, form: Form
) -> None:
    good = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.set("arq:job:bad", b"\x80\x04not json")
    await scene.redis.zadd("arq:queue", {"bad": 1})

    await scene.drain(form)

    assert (await good.outcome(1))["status"] == "applied"
    letter = await scene.engine.last_dead_letter()
    assert (letter["raw"], letter["reason"]) == (b"\x80\x04not json", "unreadable")
    assert letter["arq_id"] == "bad"
    assert await scene.keys() == set()


async def test_a_kind_of_a_later_release_is_parked_in_the_ledger(scene: Scene, form: Form) -> None:
    job = scene.cast.task()
    envelope = wire(job) | {"kind": "task.levitate"}
    await scene.redis.enqueue_job("task.levitate", envelope, _job_id=str(job.id))

    await scene.drain(form)

    assert await status(scene, job) == "accepted"
    assert await scene.keys() == set()


async def test_a_job_that_came_too_early_waits_for_its_task(scene: Scene, form: Form) -> None:
    task_id = uuid7()
    early = comment(scene, task_id)
    async with scene.running(form):
        handle = await scene.producer.enqueue(early, ordered=False)
        await until(lambda: status(scene, early))

        await scene.producer.enqueue(scene.cast.task(task_id), ordered=False)

        assert (await handle.outcome(10))["status"] == "applied"


async def test_the_same_id_again_gets_the_same_outcome(scene: Scene, form: Form) -> None:
    job = scene.cast.task()
    first = await scene.producer.enqueue(job)
    await scene.drain(form)
    outcome = await first.outcome(1)

    again = await scene.producer.enqueue(job)
    await scene.drain(form)

    assert again.is_new
    assert await again.outcome(1) == outcome


async def test_a_deploy_gone_wrong_costs_no_job(scene: Scene, form: Form) -> None:
    async with scene.running(form):
        await (await scene.producer.enqueue(scene.cast.task())).outcome(10)
        await scene.engine.execute("ALTER TABLE taskrail.job RENAME TO job_away")
        handle = await scene.producer.enqueue(scene.cast.task())
        if form is Consumer:
            await scene.signals.first(StoreLost)
        else:
            await until(lambda: scene.redis.exists(f"arq:retry:{handle.job.id}"))

        await scene.engine.execute("ALTER TABLE taskrail.job_away RENAME TO job")

        assert (await handle.outcome(20))["status"] == "applied"
    if form is Consumer:
        assert scene.signals.of(StoreBack)


async def test_an_outage_is_not_counted_as_a_delivery(scene: Scene) -> None:
    await scene.engine.execute("ALTER TABLE taskrail.job RENAME TO job_away")
    async with scene.running(Consumer):
        handle = await scene.producer.enqueue(scene.cast.task())
        await scene.signals.first(StoreLost)
        retry = f"arq:retry:{handle.job.id}"
        await until(lambda: scene.redis.exists(retry))

        async def is_uncounted() -> bool:
            count: bytes | None = await scene.redis.get(retry)
            return count == b"0"

        await until(is_uncounted)
    await scene.engine.execute("ALTER TABLE taskrail.job_away RENAME TO job")


async def test_a_payload_that_is_gone_is_recorded(scene: Scene) -> None:
    await scene.redis.zadd("arq:queue", {"ghost": 1})

    await scene.drain(Consumer)

    letter = await scene.engine.last_dead_letter()
    assert (letter["arq_id"], letter["reason"]) == ("ghost", "payload_gone")
    assert await scene.keys() == set()


async def test_many_jobs_are_one_batch(scene: Scene) -> None:
    await scene.producer.enqueue_many([scene.cast.task() for _ in range(120)])

    await scene.drain(Consumer)

    assert [batch.jobs for batch in scene.signals.of(BatchApplied)] == [120]


async def test_the_third_delivery_is_tried_alone_and_the_rest_is_not_blamed(scene: Scene) -> None:
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(5)])
    suspect = handles[2].job
    await scene.redis.set(f"arq:retry:{suspect.id}", 2)

    await scene.drain(Consumer)

    assert [batch.jobs for batch in scene.signals.of(BatchApplied)] == [1, 4]
    assert [(await handle.outcome(1))["status"] for handle in handles] == ["applied"] * 5


async def test_a_job_delivered_six_times_is_buried_as_a_crash_loop(scene: Scene) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.set(f"arq:retry:{handle.job.id}", 5)

    await scene.drain(Consumer)

    outcome = await handle.outcome(1)
    assert outcome["status"] == "buried"
    assert "kill its worker" in outcome["error"]


async def test_what_a_stock_worker_runs_is_left_to_it(scene: Scene) -> None:
    theirs, ours = await scene.producer.enqueue_many([scene.cast.task(), scene.cast.task()])
    await scene.redis.set(f"arq:in-progress:{theirs.job.id}", b"1")

    async with scene.running(Consumer):
        assert (await ours.outcome(10))["status"] == "applied"

    assert await ArqJob(str(theirs.job.id), scene.redis).status() == "in_progress"


async def test_lost_connections_are_made_again(scene: Scene, form: Form) -> None:
    async with scene.running(form):
        await (await scene.producer.enqueue(scene.cast.task())).outcome(10)

        await scene.redis.client_kill_filter(_type="normal", skipme=True)

        handle = await scene.producer.enqueue(scene.cast.task())
        assert (await handle.outcome(10))["status"] == "applied"


async def test_a_redis_that_refuses_is_asked_until_it_serves(scene: Scene) -> None:
    async with scene.running(Consumer):
        await (await scene.producer.enqueue(scene.cast.task())).outcome(10)
        await scene.redis.zadd("arq:queue", {"later": time.time() * 1000 + 300})
        await scene.redis.config_set("maxmemory", "1")
        try:
            await scene.signals.first(QueueLost)
        finally:
            await scene.redis.config_set("maxmemory", "0")

        await scene.signals.first(QueueBack)
        handle = await scene.producer.enqueue(scene.cast.task())
        assert (await handle.outcome(10))["status"] == "applied"


async def test_a_consumer_can_be_stopped_while_it_looks_for_redis(scene: Scene) -> None:
    nowhere = {"redis_url": None, "data_dir": scene.settings.data_dir / "nowhere"}
    settings: Settings = scene.settings.model_copy(update=nowhere)
    scene.settings = settings
    worker = scene.worker(Consumer)
    task = asyncio.create_task(worker.async_run())

    worker.handle_sig(signal.SIGTERM)

    await asyncio.wait_for(task, timeout=10)
    await worker.close()


async def test_sigterm_ends_the_process_cleanly_with_everything_settled(scene: Scene) -> None:
    handles = await scene.producer.enqueue_many([scene.cast.task() for _ in range(30)])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from settings import load_settings as load\n"
        "from worker.consumer import Consumer\n"
        "from worker.settings import worker_options\n"
        "Consumer(**worker_options(load())).run()",
        env=os.environ
        | {
            "TASKRAIL_DATABASE_URL": scene.settings.resolved_database_url.get_secret_value(),
            "TASKRAIL_REDIS_URL": scene.settings.resolved_redis_url.get_secret_value(),
            "TASKRAIL_LOG_LEVEL": "ERROR",
        },
    )
    await handles[0].outcome(20)
    assert await scene.redis.exists("arq:queue:health-check")

    process.send_signal(signal.SIGTERM)

    assert await asyncio.wait_for(process.wait(), timeout=10) == 0
    assert not await scene.redis.exists("arq:queue:health-check")
    assert not any("in-progress" in key for key in await scene.keys())
    assert all(isinstance(handle.job, Job) for handle in handles)
    assert not scene.signals.of(JobBuried)
