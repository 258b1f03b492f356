"""Two consumers on one queue: chains of jobs about one task cross from one to the other."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from tests.workers import Scene
from worker.consumer import Consumer
from worker.queue.holding import Queues, Take
from worker.signals import BatchApplied

TASKS, COMMENTS = 30, 6


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in hand waits there however slow this machine is."""
    monkeypatch.setattr("worker.queue.line.PATIENCE_SECONDS", 60.0)


@pytest.mark.usefixtures("patience")
async def test_a_job_waits_in_hand_for_one_that_another_consumer_applies(scene: Scene) -> None:
    """In the ledger the waiting would cost a row, and another delivery a good while later."""
    scene.settings = scene.settings.model_copy(update={"batch_jobs": 10, "lanes": 1})
    tasks = [uuid7() for _ in range(TASKS)]
    jobs = [scene.cast.task(task_id) for task_id in tasks]
    jobs += [_said(scene, task_id, str(n)) for n in range(COMMENTS) for task_id in tasks]
    handles = await scene.producer.enqueue_many(jobs)

    async with scene.running(Consumer), scene.running(Consumer):
        outcomes = [await handle.outcome() for handle in handles]

    assert {outcome["status"] for outcome in outcomes} == {"applied"}
    assert _deferred(scene) == 0
    assert sum(batch.handed_back for batch in scene.signals.of(BatchApplied)) == 0


async def test_what_waits_for_a_job_that_nobody_settles_goes_to_the_ledger(scene: Scene) -> None:
    """Two that wait for each other would be waited for in hand for ever."""
    first = scene.cast.task()
    second = scene.cast.task().model_copy(update={"after": [first.id]})
    first = first.model_copy(update={"after": [second.id]})
    await scene.producer.enqueue_many([first, second], ordered=False)

    async with scene.running(Consumer):
        batch = await scene.signals.first(BatchApplied)

    assert (batch.jobs, batch.deferred) == (2, 2)


@pytest.mark.usefixtures("patience")
async def test_those_that_wait_for_a_dead_worker_let_others_pass(scene: Scene) -> None:
    """They would fill the hand of the living one, each for as long as it is patient."""
    scene.settings = scene.settings.model_copy(update={"batch_jobs": 2})
    task_id = uuid7()
    created = await scene.producer.enqueue(scene.cast.task(task_id))
    dead = await Queues(scene.redis, {"arq:queue": 1}, hold_seconds=600).take(1, 10_000)
    blocked = await scene.producer.enqueue_many([_said(scene, task_id, str(n)) for n in range(20)])
    free = await scene.producer.enqueue(scene.cast.task())

    async with scene.running(Consumer):
        assert (await free.outcome())["status"] == "applied"
        assert _deferred(scene) == 0
        await _let_run_out(scene, dead)
        outcomes = [await handle.outcome() for handle in (created, *blocked)]

    assert {outcome["status"] for outcome in outcomes} == {"applied"}


def _deferred(scene: Scene) -> int:
    return sum(batch.deferred for batch in scene.signals.of(BatchApplied))


async def _let_run_out(scene: Scene, take: Take) -> None:
    """As time would."""
    for entry in take.entries:
        await scene.redis.delete(f"arq:in-progress:{entry.delivery.arq_id}")
        await scene.redis.zadd("arq:queue", {entry.name: 1})


def _said(scene: Scene, task_id: UUID, body: str) -> AnyJob:
    said = CommentTask(task_id=task_id, comment_id=uuid7(), body=body)
    return scene.cast.by(scene.cast.owner, said)
