"""A worker's clock is hours ahead or behind (F23): those of PostgreSQL and Redis decide."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from arq.jobs import Job as ArqJob
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import MIN_LEASE_SECONDS, ClaimTask
from ops.verify.run import verify
from tests.databases import Database
from tests.survival.processes import worker_process
from tests.waiting import until
from tests.workers import Scene

HOURS = 2
HOUR = timedelta(hours=1)
DEFERRED = timedelta(seconds=2)
NOTICED = timedelta(seconds=40)
"""An ended lease is looked for every second; on a busy machine that takes a while, not hours."""
LONG_SECONDS = 3600
"""Longer than this test takes, and less than what the clocks are wrong by."""


@pytest.mark.parametrize("hours", [HOURS, -HOURS])
async def test_a_worker_whose_clock_is_wrong_does_everything_in_time(
    scene: Scene, database: Database, hours: int
) -> None:
    now = datetime.now(UTC)
    short, long = uuid7(), uuid7()
    recorded = [scene.cast.task(short), scene.cast.task(long), _claim(scene, long, LONG_SECONDS)]
    fresh = scene.cast.task().model_copy(update={"expires_at": now + HOUR})
    stale = scene.cast.task().model_copy(update={"expires_at": now - HOUR})
    later = scene.cast.task()
    await scene.engine.record([*recorded, fresh, stale])
    await scene.producer.enqueue(_claim(scene, short, MIN_LEASE_SECONDS, after=recorded[:1]))
    await _defer(scene, later)

    async with worker_process(scene.settings, ("tests.skewed", f"{hours * 3600}")) as worker:
        ended = await until(lambda: _lease_expired(scene), seconds=60)
        await until(lambda: _is_settled(scene, later), seconds=30)

        assert ended is not None
        assert worker.returncode is None

    status = {job.id: await _row(scene, job) for job in (*recorded, fresh, stale, later)}
    assert [status[job.id]["status"] for job in (*recorded, fresh)] == ["applied"] * 4
    assert (status[stale.id]["status"], status[stale.id]["outcome"]["code"]) == (
        "rejected",
        "expired",
    )
    assert status[later.id]["settled_at"] >= now + DEFERRED
    lasted = ended["at"] - ended["claimed_at"]
    assert timedelta(seconds=MIN_LEASE_SECONDS) <= lasted
    assert lasted <= timedelta(seconds=MIN_LEASE_SECONDS) + NOTICED
    assert await scene.engine.count("lease", scene.cast.tenant_id, f"task_id = '{long}'") == 1
    assert (await verify(database.engine("reader"))).violations == []


def _claim(scene: Scene, task_id: Any, seconds: int, after: list[AnyJob] | None = None) -> AnyJob:
    claim = ClaimTask(task_id=task_id, lease_seconds=seconds)
    return scene.cast.by(scene.cast.agent, claim, after=[job.id for job in after or []])


async def _defer(scene: Scene, job: AnyJob) -> None:
    """As a plain Arq producer does, by its own clock, which is right."""
    queued = await scene.redis.enqueue_job(
        job.kind,
        job.model_dump(mode="json", exclude_unset=True),
        _job_id=str(job.id),
        _defer_by=DEFERRED,
        _queue_name=scene.settings.queue_name,
    )
    assert isinstance(queued, ArqJob)


async def _row(scene: Scene, job: AnyJob) -> dict[str, Any]:
    return await scene.engine.row("job", job.tenant_id, job.id)


async def _is_settled(scene: Scene, job: AnyJob) -> bool:
    settled = f"id = '{job.id}' AND status <> 'accepted'"
    return bool(await scene.engine.count("job", job.tenant_id, settled))


async def _lease_expired(scene: Scene) -> dict[str, Any] | None:
    """When the one lease ended, and when it had begun."""
    rows = await scene.engine.execute(
        "SELECT expired.at, claimed.at AS claimed_at FROM taskrail.event expired"
        " JOIN taskrail.event claimed USING (tenant_id, entity_id)"
        " WHERE expired.kind = 'task.lease_expired' AND claimed.kind = 'task.claimed'"
    )
    return rows[0] if rows else None
