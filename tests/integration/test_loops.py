"""The loops beside the queue, each by single rounds."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import Key
from jobs.envelope import AnyJob
from jobs.ids import derived_id
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, RenewLease, ReportProgress
from jobs.payloads.task import CommentTask
from jobs.recording import record
from tests.databases import Database
from tests.workers import Scene
from worker.apply import apply
from worker.consumer import Consumer
from worker.deliveries import Deferred, Delivery
from worker.loops.alone import alone
from worker.loops.reaper import reap
from worker.loops.running import repeat, stop_loops
from worker.loops.sweeper import Sweeper
from worker.loops.tally import fold
from worker.runtime import Runtime
from worker.signals import JobsFed, LeasesExpired, LoopFailed


async def status(scene: Scene, job: AnyJob) -> str:
    rows = await scene.engine.execute("SELECT status FROM taskrail.job WHERE id = :id", id=job.id)
    return str(rows[0]["status"])


async def claimed(scene: Scene) -> UUID:
    """A task that the agent works on, under token 1."""
    task_id = uuid7()
    claim = scene.cast.by(scene.cast.agent, ClaimTask(task_id=task_id))
    assert await scene.engine.statuses([scene.cast.task(task_id), claim]) == ["applied"] * 2
    return task_id


async def expire(scene: Scene, task_id: UUID, seconds: float = 1.0) -> None:
    await scene.engine.execute(
        "UPDATE taskrail.lease SET expires_at = clock_timestamp() - make_interval(secs => :seconds)"
        " WHERE task_id = :task_id",
        task_id=task_id,
        seconds=seconds,
    )


async def test_a_recorded_job_is_applied_without_any_enqueueing(scene: Scene) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])

    assert await Sweeper().sweep(scene.engine.runtime) == 1

    await scene.drain(Consumer)
    assert await status(scene, job) == "applied"
    outcome = await scene.producer.outcome(scene.cast.tenant_id, job.id)
    assert outcome["status"] == "applied"


async def test_jobs_can_be_recorded_in_the_producers_own_transaction(
    scene: Scene, database: Database
) -> None:
    kept, undone = scene.cast.task(), scene.cast.task()
    producer = database.engine("producer")

    async with producer.begin() as connection:
        (recorded,) = await record([kept], connection)
    async with producer.connect() as connection:
        await record([undone], connection)
        await connection.rollback()

    assert (recorded.job, recorded.status, recorded.conflict) == (kept, "accepted", False)
    assert await Sweeper().sweep(scene.engine.runtime) == 1


async def test_recorded_jobs_survive_the_loss_of_everything_in_redis(scene: Scene) -> None:
    jobs = [scene.cast.task() for _ in range(3)]
    await scene.engine.record(jobs)
    await Sweeper().sweep(scene.engine.runtime)

    await scene.redis.flushall()

    await scene.engine.execute(
        "UPDATE taskrail.job SET next_feed_at = now() WHERE status = 'accepted'"
    )
    assert await Sweeper().sweep(scene.engine.runtime) == 3
    await scene.drain(Consumer)
    assert [await status(scene, job) for job in jobs] == ["applied"] * 3


async def test_a_job_is_not_fed_again_before_its_time(scene: Scene) -> None:
    await scene.engine.record([scene.cast.task()])

    assert [await Sweeper().sweep(scene.engine.runtime) for _ in range(3)] == [1, 0, 0]

    assert [signal.jobs for signal in scene.signals.of(JobsFed)] == [1]


async def test_a_job_that_is_queued_already_is_left_as_it_is(scene: Scene) -> None:
    job = scene.cast.task()
    await scene.producer.enqueue(job)
    await scene.engine.record([job])
    queued = await scene.redis.get(f"arq:job:{job.id}")

    assert await Sweeper().sweep(scene.engine.runtime) == 0

    assert await scene.redis.get(f"arq:job:{job.id}") == queued


async def test_sweepers_do_not_feed_at_the_same_time(scene: Scene) -> None:
    await scene.engine.record([scene.cast.task()])

    async with alone(scene.engine.runtime.keeper, "sweeper"):
        assert await Sweeper().sweep(scene.engine.runtime) == 0

    assert await Sweeper().sweep(scene.engine.runtime) == 1


async def test_an_expired_lease_is_ended_and_counts_as_an_attempt(scene: Scene) -> None:
    task_id = await claimed(scene)
    await expire(scene, task_id)

    assert await reap(scene.engine.runtime) == 1

    task = await scene.engine.row("task", scene.cast.tenant_id, task_id)
    assert (task["status"], task["attempt"]) == ("pending", 1)
    assert await scene.engine.count("lease", scene.cast.tenant_id) == 0
    assert await reap(scene.engine.runtime) == 0
    assert scene.signals.of(LeasesExpired) == [LeasesExpired(leases=1)]


async def test_a_lease_that_lasts_is_left_alone(scene: Scene) -> None:
    await claimed(scene)

    assert await reap(scene.engine.runtime) == 0


async def test_a_renewed_lease_lasts(scene: Scene) -> None:
    task_id = await claimed(scene)
    await expire(scene, task_id)
    renewal = scene.cast.by(scene.cast.agent, RenewLease(task_id=task_id, token=1))
    assert await scene.engine.statuses([renewal]) == ["applied"]

    assert await reap(scene.engine.runtime) == 0


async def test_two_reapers_end_a_lease_once(scene: Scene) -> None:
    task_id = await claimed(scene)
    await expire(scene, task_id)

    await asyncio.gather(reap(scene.engine.runtime), reap(scene.engine.runtime))
    await reap(scene.engine.runtime)

    task = await scene.engine.row("task", scene.cast.tenant_id, task_id)
    assert task["attempt"] == 1
    endings = await scene.engine.count("job", scene.cast.tenant_id, "kind = 'lease.expire'")
    assert endings == 1


async def test_a_report_accepted_in_time_keeps_the_lease_until_it_is_applied(
    scene: Scene,
) -> None:
    task_id = await claimed(scene)
    report = scene.cast.by(scene.cast.agent, CompleteTask(task_id=task_id, token=1))
    await scene.engine.record([report])
    await scene.engine.age_ledger(scene.cast.tenant_id, seconds=10)
    await expire(scene, task_id)

    assert await reap(scene.engine.runtime) == 0

    await Sweeper().sweep(scene.engine.runtime)
    await scene.drain(Consumer)
    assert await status(scene, report) == "applied"


@pytest.mark.parametrize("seconds_late", [1.0, 3600.0])
async def test_neither_late_reports_nor_endless_waiting_keep_a_lease(
    scene: Scene, seconds_late: float
) -> None:
    task_id = await claimed(scene)
    report = scene.cast.by(scene.cast.agent, ReportProgress(task_id=task_id, percent=5, token=1))
    await scene.engine.record([report])
    if seconds_late > 60:
        await scene.engine.age_ledger(scene.cast.tenant_id, seconds=2 * int(seconds_late))
    await expire(scene, task_id, seconds_late)

    assert await reap(scene.engine.runtime) == 1


async def test_a_strangers_job_does_not_keep_the_lease(scene: Scene) -> None:
    task_id = await claimed(scene)
    note = CommentTask(task_id=task_id, comment_id=uuid7(), body="Still there?")
    await scene.engine.record([scene.cast.by(scene.cast.owner, note)])
    await scene.engine.age_ledger(scene.cast.tenant_id, seconds=10)
    await expire(scene, task_id)

    assert await reap(scene.engine.runtime) == 1


async def test_deltas_are_folded_into_the_counters_of_their_projects(scene: Scene) -> None:
    tasks = [uuid7() for _ in range(3)]
    done = scene.cast.by(scene.cast.owner, CompleteTask(task_id=tasks[0]))
    await scene.engine.statuses([*(scene.cast.task(task_id) for task_id in tasks), done])
    before = await scene.engine.row("project", scene.cast.tenant_id, scene.cast.project_id)

    assert await fold(scene.engine.runtime) == 1

    project = await scene.engine.row("project", scene.cast.tenant_id, scene.cast.project_id)
    assert (project["task_count"], project["completed_count"]) == (3, 1)
    assert (before["task_count"], project["version"]) == (0, before["version"])
    assert await scene.engine.count("tally", scene.cast.tenant_id) == 0
    assert await fold(scene.engine.runtime) == 0


async def test_a_loop_survives_what_its_rounds_meet(scene: Scene) -> None:
    rounds = 0
    enough = asyncio.Event()

    async def stumble(_: Runtime) -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ConnectionError("away")
        enough.set()
        return 0

    loop = asyncio.create_task(repeat("stumbling", stumble, 0.0, scene.engine.runtime))
    await asyncio.wait_for(enough.wait(), timeout=30)
    loop.cancel()

    assert scene.signals.of(LoopFailed) == [
        LoopFailed(loop="stumbling", error="ConnectionError('away')")
    ]


async def test_a_loop_ends_though_its_round_loses_the_cancellation(scene: Scene) -> None:
    begun, for_ever = asyncio.Event(), asyncio.Event()

    async def deaf(_: Runtime) -> int:
        with suppress(asyncio.CancelledError):
            begun.set()
            await for_ever.wait()
        return 0

    loop = asyncio.create_task(repeat("deaf", deaf, 3600.0, scene.engine.runtime))
    await begun.wait()

    await asyncio.wait_for(stop_loops([loop]), timeout=30)

    assert loop.done()


async def test_a_deferred_job_is_fed_only_when_its_own_entry_is_overdue(scene: Scene) -> None:
    note = CommentTask(task_id=uuid7(), comment_id=uuid7(), body="Too early.")
    job = scene.cast.by(scene.cast.owner, note)

    (disposition,) = await apply([Delivery(str(job.id), job)], scene.engine.runtime)

    assert isinstance(disposition, Deferred)
    assert await Sweeper().sweep(scene.engine.runtime) == 0


def test_equal_causes_make_equal_ids_of_version_7() -> None:
    at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    cause: Key = (uuid7(), uuid7())

    first = derived_id(at, *cause, 1)

    assert first == derived_id(at, *cause, 1)
    assert first not in {derived_id(at, *cause, 2), derived_id(at + timedelta(hours=1), *cause, 1)}
    assert (first.version, first.variant) == (7, uuid7().variant)
    assert first.int >> 80 == int(at.timestamp() * 1000)
