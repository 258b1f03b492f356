"""Redis is away: what was recorded is settled all the same, straight from the ledger."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from jobs.codec import Reference
from jobs.envelope import AnyJob
from jobs.wire import queue_id
from ops.verify.run import verify
from tests.databases import Database
from tests.waiting import until
from tests.workers import Scene
from worker.consumer import Consumer
from worker.counting import apply_counted
from worker.deciding import FEED_SLACK
from worker.deliveries import Deferred, Delivery
from worker.signals import LedgerDrained, QueueBack, QueueLost

JOBS = 500


class Road:
    """The way to Redis, which can be closed: a link to its socket."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self._scene = scene
        self._socket = urlsplit(scene.settings.resolved_redis_url.get_secret_value()).path
        self._link = folder / "redis"
        url = SecretStr(f"unix://{self._link}")
        scene.settings = scene.settings.model_copy(update={"redis_url": url})

    def open(self) -> None:
        self._link.symlink_to(self._socket)

    async def close(self) -> None:
        self._link.unlink()
        await self._scene.redis.client_kill_filter(_type="normal", skipme=True)


@pytest.fixture
def road(scene: Scene, tmp_path: Path) -> Road:
    return Road(scene, tmp_path)


async def settled(scene: Scene, jobs: list[AnyJob]) -> bool:
    ids = ", ".join(f"'{job.id}'" for job in jobs)
    waiting = f"id IN ({ids}) AND status = 'accepted'"
    return not await scene.engine.count("job", scene.cast.tenant_id, waiting)


def drained(scene: Scene) -> int:
    return sum(signal.jobs for signal in scene.signals.of(LedgerDrained))


async def test_workers_that_never_see_redis_settle_what_is_recorded(
    scene: Scene, road: Road, database: Database
) -> None:
    assert road
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS)]
    await scene.engine.record(jobs)

    async with scene.running(Consumer), scene.running(Consumer):
        await until(lambda: settled(scene, jobs))

    assert drained(scene) >= JOBS
    applied = await scene.engine.count("task", scene.cast.tenant_id)
    assert applied == JOBS
    assert (await verify(database.engine("reader"))).violations == []


async def test_a_redis_that_comes_back_is_used_again(scene: Scene, road: Road) -> None:
    async with scene.running(Consumer):
        await scene.signals.first(QueueLost)
        handle = await scene.producer.enqueue(scene.cast.task())

        road.open()

        assert (await handle.outcome())["status"] == "applied"
        await scene.signals.first(QueueBack)
        before = drained(scene)
        job = scene.cast.task()
        await scene.engine.record([job])
        await until(lambda: settled(scene, [job]))
    assert drained(scene) == before


async def test_a_redis_that_goes_away_stops_nobody_who_records(scene: Scene, road: Road) -> None:
    road.open()
    async with scene.running(Consumer):
        await (await scene.producer.enqueue(scene.cast.task())).outcome()

        await road.close()

        await scene.signals.first(QueueLost)
        job = scene.cast.task()
        await scene.engine.record([job])
        await until(lambda: settled(scene, [job]))


async def test_a_worker_that_drains_can_be_stopped(scene: Scene, road: Road) -> None:
    assert road
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS)]
    await scene.engine.record(jobs)

    async with asyncio.timeout(60):
        async with scene.running(Consumer):
            await scene.signals.first(LedgerDrained)

    half_done = "status = 'applied' AND events = 0"
    assert not await scene.engine.count("job", scene.cast.tenant_id, half_done)


async def test_jobs_drained_out_of_order_wait_for_those_before_them(
    scene: Scene, road: Road
) -> None:
    assert road
    first = scene.cast.task()
    second = scene.cast.task().model_copy(update={"after": [first.id]})
    await scene.engine.record([second])
    async with scene.running(Consumer):
        await scene.signals.first(LedgerDrained)

        await scene.engine.record([first])

        await until(lambda: settled(scene, [first, second]))
    rows = [await scene.engine.row("job", scene.cast.tenant_id, j.id) for j in (first, second)]
    assert [row["status"] for row in rows] == ["applied", "applied"]
    assert rows[0]["settled_at"] < rows[1]["settled_at"]


async def test_what_is_drained_and_has_to_wait_comes_again_without_redis(scene: Scene) -> None:
    later = scene.cast.task().model_copy(update={"after": [scene.cast.task().id]})
    await scene.engine.record([later])
    drained = Delivery(queue_id(later.id), Reference(later.tenant_id, later.id))

    (disposition,) = await apply_counted([drained], scene.engine.runtime)

    assert isinstance(disposition, Deferred)
    row = await scene.engine.row("job", scene.cast.tenant_id, later.id)
    waits = row["next_feed_at"] - row["accepted_at"]
    assert waits < FEED_SLACK, "it has no entry in Redis that would come first"
