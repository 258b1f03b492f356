"""Who waits for a key of Redis is told its value, whatever happens to the connection meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, UnixDomainSocketConnection

from jobs.tracking import Tracked
from jobs.watching import Watcher
from tests.workers import Scene

SOON = 2.0


class Gate:
    """Where those who close a connection wait."""

    def __init__(self) -> None:
        self.is_reached, self.is_open = asyncio.Event(), asyncio.Event()

    async def pass_through(self) -> None:
        self.is_reached.set()
        await self.is_open.wait()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def redis(scene: Scene, gate: Gate) -> AsyncIterator[Redis]:
    """A client whose connections are closed only when the gate is open."""

    class Slow(UnixDomainSocketConnection):
        async def disconnect(self, nowait: bool = False) -> None:  # noqa: FBT001, FBT002 - Redis's
            await gate.pass_through()
            await super().disconnect(nowait)

    path = urlsplit(scene.settings.resolved_redis_url.get_secret_value()).path
    pool = ConnectionPool(connection_class=Slow, path=path)
    yield Redis(connection_pool=pool)
    gate.is_open.set()
    await pool.disconnect()


async def test_who_begins_to_wait_while_the_connection_is_closed_is_told(
    redis: Redis, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.watching.LINGER_SECONDS", 0.0)
    await redis.set("told", "yes")
    async with aclosing(Watcher(redis)) as watcher:
        first = watcher.expect("told", lambda value: value)
        async with asyncio.timeout(SOON):
            await first
        watcher.forget(first)
        async with asyncio.timeout(SOON):
            await gate.is_reached.wait()

        second = watcher.expect("told", lambda value: value)
        gate.is_open.set()

        async with asyncio.timeout(SOON):
            assert await second == b"yes"
        watcher.forget(second)


async def test_values_that_read_like_news_are_values(redis: Redis, gate: Gate) -> None:
    gate.is_open.set()
    await redis.set("kind", "invalidate")
    tracked = Tracked(redis, lambda _: None)

    async with asyncio.timeout(SOON):
        values = await tracked.ask("MGET", "kind", "missing")

    assert values == [b"invalidate", None]
    await tracked.close()
