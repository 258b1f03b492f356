"""Events outlive whoever publishes them, and the Redis that they are published to."""

import asyncio
import os
import signal
from contextlib import aclosing

from sqlalchemy import text

from jobs.streaming import StreamedEvent
from tests.rogues import stay
from tests.streams import are_in_order, entries, history, keys, unpublished
from tests.survival.processes import end, worker_process
from tests.survival.site import Site
from tests.waiting import until
from tests.workers import Scene

JOBS = 300


async def test_a_relay_killed_between_publishing_and_commit_loses_nothing(scene: Scene) -> None:
    """A rogue holds the outbox rows: the worker has published them and waits to delete them."""
    published, tenant_id = await history(scene), scene.cast.tenant_id
    async with scene.engine.superuser.begin() as rogue:
        await stay(rogue)
        await rogue.execute(text("SELECT 1 FROM taskrail.outbox FOR UPDATE"))
        async with worker_process(scene.settings) as worker:
            await until(lambda: _waits_to_delete(scene))
            assert await end(worker, signal.SIGKILL) == -signal.SIGKILL
    came_first = await keys(scene.redis, tenant_id)
    assert await unpublished(scene) == len(published)

    async with worker_process(scene.settings):
        await until(lambda: _is_empty(scene))

    came = await keys(scene.redis, tenant_id)
    assert set(came_first) == published
    assert len(came) >= len(came_first) + len(published)
    assert set(came) == published
    assert are_in_order(await entries(scene.redis, tenant_id))


async def test_a_killed_redis_neither_loses_events_nor_stops_their_reader(site: Site) -> None:
    tenant_id = site.cast.tenant_id
    redis = site.redis
    await redis.config_set("appendfsync", "always")
    seen: list[StreamedEvent] = []
    async with worker_process(site.settings):
        reader = asyncio.create_task(_follow(site, seen))
        await site.producer.enqueue_many([site.cast.task() for _ in range(JOBS)])
        await until(lambda: _came(seen, 100))
        os.kill((await redis.info("server"))["process_id"], signal.SIGKILL)
        await until(lambda: _came_all(site, seen), seconds=60)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)

    assert are_in_order(seen)
    assert await site.engine.count("task", tenant_id) == JOBS
    assert await site.engine.count("outbox", tenant_id) == 0


async def _follow(site: Site, seen: list[StreamedEvent]) -> None:
    async with aclosing(site.producer.events(site.cast.tenant_id, after="0")) as events:
        async for event in events:
            seen.append(event)  # noqa: PERF401 - what is there is looked at meanwhile


async def _came(seen: list[StreamedEvent], number: int) -> bool:
    return len(seen) >= number


async def _came_all(site: Site, seen: list[StreamedEvent]) -> bool:
    tasks = {event.entity_id for event in seen if event.kind == "task.created"}
    left = await site.engine.count("outbox", site.cast.tenant_id)
    events = await site.engine.count("event", site.cast.tenant_id)
    return len(tasks) == JOBS and left == 0 and len({event.key for event in seen}) == events


async def _waits_to_delete(scene: Scene) -> bool:
    rows = await scene.engine.execute(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'taskrail keeper'"
        " AND query LIKE 'DELETE%' AND wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    return bool(rows)


async def _is_empty(scene: Scene) -> bool:
    return await unpublished(scene) == 0
