"""Two consumers on one queue: chains of jobs about one task cross from one to the other."""

from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from tests.workers import Scene
from worker.consumer import Consumer
from worker.signals import BatchApplied

TASKS, COMMENTS = 30, 6


async def test_a_job_waits_in_hand_for_one_that_another_consumer_applies(scene: Scene) -> None:
    """In the ledger the waiting would cost a row, and another delivery a good while later."""
    scene.settings = scene.settings.model_copy(update={"batch_jobs": 10, "lanes": 1})
    tasks = [uuid7() for _ in range(TASKS)]
    jobs = [scene.cast.task(task_id) for task_id in tasks]
    jobs += [_said(scene, task_id, str(n)) for n in range(COMMENTS) for task_id in tasks]
    handles = await scene.producer.enqueue_many(jobs)

    async with scene.running(Consumer), scene.running(Consumer):
        outcomes = [await handle.outcome(30) for handle in handles]

    assert {outcome["status"] for outcome in outcomes} == {"applied"}
    batches = scene.signals.of(BatchApplied)
    assert sum(batch.deferred for batch in batches) == 0
    assert sum(batch.handed_back for batch in batches) == 0


async def test_what_waits_for_a_job_that_nobody_settles_goes_to_the_ledger(scene: Scene) -> None:
    """Two that wait for each other would be waited for in hand for ever."""
    first = scene.cast.task()
    second = scene.cast.task().model_copy(update={"after": [first.id]})
    first = first.model_copy(update={"after": [second.id]})
    await scene.producer.enqueue_many([first, second], ordered=False)

    async with scene.running(Consumer):
        batch = await scene.signals.first(BatchApplied)

    assert (batch.jobs, batch.deferred) == (2, 2)


def _said(scene: Scene, task_id: UUID, body: str) -> AnyJob:
    said = CommentTask(task_id=task_id, comment_id=uuid7(), body=body)
    return scene.cast.by(scene.cast.owner, said)
