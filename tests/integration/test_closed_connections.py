"""On uvloop a closed transport raises RuntimeError, which no client of Redis expects."""

from typing import Any

import pytest
from arq.connections import create_pool
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs.tracking import Tracked
from ops.loop import run
from settings import Settings
from worker.connection import connected_later, for_consumer, redis_settings


def test_a_command_on_a_connection_that_was_closed_meanwhile_is_sent_again(
    servers: Settings,
) -> None:
    async def act() -> bool:
        redis = await _connected(servers)
        (connection,) = redis.connection_pool._available_connections  # noqa: SLF001 - to close it
        _close_beneath(connection)
        answer = await redis.echo("still there")
        await redis.aclose(close_connection_pool=True)
        return bool(answer == b"still there")

    assert run(act())


def test_who_sends_on_a_connection_that_was_closed_gets_redis_own_error(
    servers: Settings,
) -> None:
    """So does Redis's client while it connects, when nobody tries again."""

    async def act() -> None:
        redis = connected_later(redis_settings(servers))
        connection = await redis.connection_pool.get_connection()
        _close_beneath(connection)
        try:
            await connection.send_command("PING")
        finally:
            await redis.connection_pool.release(connection)
            await redis.aclose(close_connection_pool=True)

    with pytest.raises(RedisConnectionError, match="closed"):
        run(act())


def test_a_tracked_connection_that_was_closed_meanwhile_is_an_error_of_redis(
    servers: Settings,
) -> None:
    async def act() -> None:
        redis = await _connected(servers)
        tracked = Tracked(redis, lambda _: None)
        await tracked.ask("GET", "anything")
        _close_beneath(tracked._connection)  # noqa: SLF001 - to close it
        try:
            await tracked.ask("GET", "anything")
        finally:
            await tracked.close()
            await redis.aclose(close_connection_pool=True)

    with pytest.raises(RedisConnectionError):
        run(act())


async def _connected(servers: Settings) -> Any:
    return await create_pool(for_consumer(redis_settings(servers)))


def _close_beneath(connection: Any) -> None:
    """As a reset does, between two commands."""
    connection._writer.transport.abort()  # noqa: SLF001 - what the network does
