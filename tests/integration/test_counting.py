"""Of a recorded job the ledger counts what its worker did not live through, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from uuid_utils.compat import uuid7

from db.unit_of_work import UnitOfWork
from jobs.board import Board
from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from jobs.wire import wake_up
from tests.counts import (
    all_settled,
    is_so,
    make_due,
    plant_deliveries,
    queue_as_taken,
    row_of,
    task_of,
)
from tests.rogues import PATIENT, stay, waits_in_transaction
from tests.waiting import until
from tests.workers import Scene
from worker.cases import Case, write_down
from worker.consumer import Consumer
from worker.counting import (
    ALONE_FROM_DELIVERY,
    LAST_DELIVERY,
    surviving,
    take_back,
)
from worker.signals import BatchApplied, LoopFailed, StoreLost

ROUNDS = 20


@pytest.fixture
def alone(scene: Scene, tmp_path: Path) -> Scene:
    """Redis is never there."""
    nowhere = SecretStr(f"unix://{tmp_path / 'nowhere'}")
    scene.settings = scene.settings.model_copy(update={"redis_url": nowhere})
    return scene


async def test_a_recorded_job_is_buried_by_the_ledgers_count(scene: Scene) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])
    await plant_deliveries(scene, [job], 5)
    await queue_as_taken(scene, job, wake_up(job.tenant_id, job.id, job.kind), "2")

    await scene.drain(Consumer)

    row = await row_of(scene, job)
    assert (row["status"], row["attempts"], row["deliveries"]) == ("buried", 6, 0)
    assert "kill its worker" in row["error"]


async def test_a_recorded_job_is_buried_without_redis_too(alone: Scene) -> None:
    killer, neighbour = alone.cast.task(), alone.cast.task()
    await alone.engine.record([killer, neighbour])
    await plant_deliveries(alone, [killer], 5)

    async with alone.running(Consumer):
        await all_settled(alone, [killer, neighbour])

    rows = [await row_of(alone, job) for job in (killer, neighbour)]
    assert [row["status"] for row in rows] == ["buried", "applied"]
    assert [row["attempts"] for row in rows] == [6, 1]


async def test_suspects_are_drained_one_by_one_before_the_others(alone: Scene) -> None:
    jobs = [alone.cast.task() for _ in range(5)]
    await alone.engine.record(jobs)
    await plant_deliveries(alone, [jobs[1], jobs[3]], 2)

    async with alone.running(Consumer):
        await all_settled(alone, jobs)

    assert [batch.jobs for batch in alone.signals.of(BatchApplied)] == [1, 1, 3]
    rows = [await row_of(alone, job) for job in jobs]
    assert [row["attempts"] for row in rows] == [1, 3, 1, 3, 1]
    assert {(row["status"], row["deliveries"]) for row in rows} == {("applied", 0)}


async def test_a_job_that_waits_twenty_times_is_not_buried(alone: Scene) -> None:
    first = alone.cast.task()
    second = alone.cast.task().model_copy(update={"after": [first.id]})
    await alone.engine.record([second])
    async with alone.running(Consumer):
        for number in range(1, ROUNDS + 1):
            await until(lambda n=number: is_so(alone, second, f"attempts >= {n}"))  # type: ignore[misc]
            await make_due(alone)

        await alone.engine.record([first])

        await until(lambda: _is_after_asking(alone, second), seconds=30)
    row = await row_of(alone, second)
    assert row["status"] == "applied"
    assert row["attempts"] > ROUNDS


async def test_a_job_that_is_handed_back_twenty_times_is_not_buried(alone: Scene) -> None:
    alone.settings = alone.settings.model_copy(update={"lock_timeout_ms": 20})
    task = alone.cast.task(uuid7())
    assert await alone.engine.statuses([task]) == ["applied"]
    alone.signals.clear()
    job = _comment(alone, task)
    await alone.engine.record([job])
    async with alone.running(Consumer), alone.engine.superuser.connect() as rogue:
        await stay(rogue)
        await rogue.execute(text("SELECT 1 FROM taskrail.task FOR UPDATE"))

        await until(lambda: _handed_back(alone), seconds=60)
        await rogue.rollback()

        await until(lambda: _is_after_asking(alone, job), seconds=30)
    row = await row_of(alone, job)
    assert (row["status"], row["attempts"], row["deliveries"]) == ("applied", 1, 0)


async def test_a_store_that_is_away_burns_no_attempt_of_what_is_drained(alone: Scene) -> None:
    alone.settings = alone.settings.model_copy(update={"hold_seconds": 0.01})
    jobs = [alone.cast.task() for _ in range(5)]
    await alone.engine.record(jobs)
    await alone.engine.execute("ALTER TABLE taskrail.event RENAME TO event_away")
    async with alone.running(Consumer):
        await until(lambda: _failed(alone, 8), seconds=60)
    rows = [await row_of(alone, job) for job in jobs]
    await alone.engine.execute("ALTER TABLE taskrail.event_away RENAME TO event")

    async with alone.running(Consumer):
        await all_settled(alone, jobs)

    assert [(row["status"], row["deliveries"]) for row in rows] == [("accepted", 0)] * 5
    assert [(await row_of(alone, job))["attempts"] for job in jobs] == [1] * 5


async def test_a_store_that_is_away_burns_no_attempt_of_a_suspect(scene: Scene) -> None:
    job = scene.cast.task()
    await scene.engine.record([job])
    await queue_as_taken(scene, job, wake_up(job.tenant_id, job.id, job.kind), "2")
    await scene.engine.execute("ALTER TABLE taskrail.event RENAME TO event_away")
    async with scene.running(Consumer):
        await scene.signals.first(StoreLost)
    row = await row_of(scene, job)
    await scene.engine.execute("ALTER TABLE taskrail.event_away RENAME TO event")

    async with scene.running(Consumer):
        await all_settled(scene, [job])

    # Redis says that it was taken twice before, no more.
    assert (row["status"], row["deliveries"]) == ("accepted", 2)
    assert (await row_of(scene, job))["status"] == "applied"


async def test_a_job_that_breaks_the_drain_is_buried_and_its_neighbours_are_applied(
    alone: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.settings = alone.settings.model_copy(update={"hold_seconds": 0.01})
    jobs = [alone.cast.task() for _ in range(5)]
    _break(monkeypatch, jobs[2])
    await alone.engine.record(jobs)

    async with alone.running(Consumer):
        await all_settled(alone, jobs)

    rows = [await row_of(alone, job) for job in jobs]
    assert [row["status"] for row in rows] == ["applied"] * 2 + ["buried"] + ["applied"] * 2
    attempts = [row["attempts"] for row in rows]
    assert attempts.pop(2) == LAST_DELIVERY + 1
    assert max(attempts) <= ALONE_FROM_DELIVERY


async def test_a_recorded_job_that_breaks_its_worker_is_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = scene.cast.task()
    _break(monkeypatch, job)
    await scene.engine.record([job])
    await queue_as_taken(scene, job, wake_up(job.tenant_id, job.id, job.kind), "2")

    with pytest.raises(RuntimeError, match="bug"):
        await scene.drain(Consumer)

    assert (await row_of(scene, job))["deliveries"] == 3


async def test_what_cannot_be_taken_back_is_owed_until_the_store_is_there(scene: Scene) -> None:
    job, runtime = scene.cast.task(), scene.engine.runtime
    key = (job.tenant_id, job.id)
    await scene.engine.record([job])
    await plant_deliveries(scene, [job], 4)

    async with surviving(runtime) as counted:
        counted.add(key)
        await scene.engine.execute("ALTER TABLE taskrail.job RENAME TO job_away")
    owed = set(runtime.owed)
    await scene.engine.execute("ALTER TABLE taskrail.job_away RENAME TO job")
    await take_back(runtime)
    await take_back(runtime)

    assert owed == {key}
    assert not runtime.owed
    assert (await row_of(scene, job))["deliveries"] == 3


async def test_who_is_slow_is_not_taken_for_dead(alone: Scene) -> None:
    """Of two workers one waits for a lock, for longer than it holds its job at a time."""
    alone.settings = alone.settings.model_copy(update=PATIENT | {"hold_seconds": 8.0})
    job = alone.cast.task()
    await alone.engine.record([job])
    async with alone.engine.superuser.connect() as rogue:
        await stay(rogue)
        await rogue.execute(text("LOCK TABLE taskrail.member IN ACCESS EXCLUSIVE MODE"))
        async with alone.running(Consumer), alone.running(Consumer):
            await until(lambda: waits_in_transaction(alone))
            for _ in range(4):  # a hold is renewed when a third of it is over
                was = await row_of(alone, job)
                moved = f"next_feed_at > '{was['next_feed_at'].isoformat()}'"
                await until(lambda moved=moved: is_so(alone, job, moved))  # type: ignore[misc]
            await rogue.rollback()
            await all_settled(alone, [job])

    row = await row_of(alone, job)
    assert (was["deliveries"], row["status"], row["attempts"]) == (1, "applied", 1)


def _break(monkeypatch: pytest.MonkeyPatch, job: AnyJob) -> None:
    """Our own code breaks whenever it saves what this job has done."""

    async def save(uow: UnitOfWork, board: Board, cases: Sequence[Case]) -> None:
        if (job.tenant_id, job.id) in {case.key for case in cases}:
            raise RuntimeError("bug")
        await write_down(uow, board, cases)

    monkeypatch.setattr("worker.apply.write_down", save)


def _comment(scene: Scene, task: AnyJob) -> AnyJob:
    payload = CommentTask(task_id=task_of(task), comment_id=uuid7(), body="Good")
    return scene.cast.by(scene.cast.human, payload)


async def _is_after_asking(scene: Scene, job: AnyJob) -> bool:
    """Settled; what waits has no time to."""
    await make_due(scene)
    return await is_so(scene, job, "status <> 'accepted'")


async def _handed_back(scene: Scene) -> bool:
    """So many times; who was handed back is due again at once."""
    await make_due(scene)
    return sum(batch.handed_back for batch in scene.signals.of(BatchApplied)) >= ROUNDS


async def _failed(scene: Scene, times: int) -> bool:
    return len([one for one in scene.signals.of(LoopFailed) if one.loop == "drain"]) >= times
