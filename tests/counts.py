"""Recorded jobs, how often they were delivered, and what became of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jobs.envelope import AnyJob
from jobs.wire import put, queue_id
from tests.waiting import until
from tests.workers import Scene


async def queue_as_taken(scene: Scene, job: AnyJob, payload: bytes, count: str) -> None:
    """An entry as if it had been taken so often."""
    name = queue_id(job.id)
    await scene.redis.set(f"arq:retry:{name}", count)
    await put(scene.redis, scene.settings.queue_name, [(name, payload)])


async def plant_deliveries(scene: Scene, jobs: Sequence[AnyJob], deliveries: int) -> None:
    await scene.engine.execute(
        "UPDATE taskrail.job SET deliveries = :deliveries WHERE id = ANY (:ids)",
        deliveries=deliveries,
        ids=[job.id for job in jobs],
    )


async def make_due(scene: Scene, when: str = "clock_timestamp()") -> None:
    await scene.engine.execute(
        f"UPDATE taskrail.job SET next_feed_at = {when} WHERE status = 'accepted'"  # noqa: S608
    )


async def row_of(scene: Scene, job: AnyJob) -> dict[str, Any]:
    return await scene.engine.row("job", job.tenant_id, job.id)


async def is_so(scene: Scene, job: AnyJob, condition: str) -> bool:
    return bool(await scene.engine.count("job", job.tenant_id, f"id = '{job.id}' AND {condition}"))


async def all_settled(scene: Scene, jobs: Sequence[AnyJob]) -> None:
    for job in jobs:
        await until(lambda job=job: is_so(scene, job, "status <> 'accepted'"))  # type: ignore[misc]


def task_of(job: AnyJob) -> UUID:
    task_id = getattr(job.payload, "task_id", None)
    assert isinstance(task_id, UUID)
    return task_id
