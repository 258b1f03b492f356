"""The Consumer and stock Arq on the same settings, on a real Valkey and PostgreSQL."""

from collections.abc import Collection
from uuid import UUID

import pytest
from arq.jobs import Job as ArqJob
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask, CompleteTask
from jobs.payloads.task import CommentTask
from tests.waiting import until
from tests.workers import Form, Scene
from worker.consumer import Consumer
from worker.queue.holding import Queues
from worker.signals import BatchApplied

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close")  # stock Arq's


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

    outcomes = [await handle.outcome() for handle in handles]
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

    outcome = await queued.result(timeout=30)
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

    told = await scene.producer.outcome(scene.cast.tenant_id, job.id)
    assert told == await queued.result(timeout=30)
    assert await scene.keys() == set()


async def test_an_invalid_job_is_rejected_and_told_why(scene: Scene, form: Form) -> None:
    job = scene.cast.task()
    envelope = wire(job) | {"payload": {"title": "No ids"}}
    await scene.redis.enqueue_job("task.create", envelope, _job_id=str(job.id))

    await scene.drain(form)

    outcome = await scene.producer.outcome(scene.cast.tenant_id, job.id)
    assert (outcome["status"], outcome["code"]) == ("rejected", "invalid")
    assert outcome["message"].startswith("payload.")


async def test_unreadable_bytes_are_kept_and_cost_their_neighbours_nothing(
    scene: Scene, form: Form
) -> None:
    good = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.set("arq:job:bad", b"\x80\x04not json")
    await scene.redis.zadd("arq:queue", {"bad": 1})

    await scene.drain(form)

    assert (await good.outcome())["status"] == "applied"
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
    grace = {"missing_row_grace_seconds": 60.0}
    scene.settings = scene.settings.model_copy(update=grace)
    async with scene.running(form):
        handle = await scene.producer.enqueue(early, ordered=False)
        await until(lambda: status(scene, early))

        await scene.producer.enqueue(scene.cast.task(task_id), ordered=False)

        assert (await handle.outcome())["status"] == "applied"


async def test_the_same_id_again_gets_the_same_outcome(scene: Scene, form: Form) -> None:
    job = scene.cast.task()
    first = await scene.producer.enqueue(job)
    await scene.drain(form)
    outcome = await first.outcome()

    again = await scene.producer.enqueue(job)
    await scene.drain(form)

    assert again.is_new
    assert await again.outcome() == outcome


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
    assert [(await handle.outcome())["status"] for handle in handles] == ["applied"] * 5


async def test_a_job_delivered_six_times_is_buried_as_a_crash_loop(scene: Scene) -> None:
    handle = await scene.producer.enqueue(scene.cast.task())
    await scene.redis.set(f"arq:retry:{handle.job.id}", 5)

    await scene.drain(Consumer)

    outcome = await handle.outcome()
    assert outcome["status"] == "buried"
    assert "kill its worker" in outcome["error"]


async def test_what_a_stock_worker_runs_is_left_to_it(scene: Scene) -> None:
    theirs, ours = await scene.producer.enqueue_many([scene.cast.task(), scene.cast.task()])
    await scene.redis.set(f"arq:in-progress:{theirs.job.id}", b"1")

    async with scene.running(Consumer):
        assert (await ours.outcome())["status"] == "applied"

    assert await ArqJob(str(theirs.job.id), scene.redis).status() == "in_progress"


async def test_who_settled_the_predecessors_does_not_ask_where_they_are(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[UUID] = set()
    unsettled = Queues.unsettled

    async def listen(queues: Queues, job_ids: Collection[UUID]) -> set[UUID]:
        asked.update(job_ids)
        return await unsettled(queues, job_ids)

    monkeypatch.setattr(Queues, "unsettled", listen)
    first, elsewhere = scene.cast.task(), scene.cast.task()
    await scene.engine.statuses([elsewhere])
    second = scene.cast.task().model_copy(update={"after": [first.id, elsewhere.id]})
    async with scene.running(Consumer):
        for job in (first, second):
            handle = await scene.producer.enqueue(job)
            assert (await handle.outcome())["status"] == "applied"

    assert asked == {elsewhere.id}
