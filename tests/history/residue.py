"""What is left over in Redis and among the processes when all workers have ended."""

import asyncio

from tests.history.arena import LOOK_SECONDS, Arena

CLOSING_SECONDS = 10.0
STREAMS = b"taskrail:events:"
"""They are bounded, and stay."""
BACKENDS = """
    SELECT application_name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""


async def residue(arena: Arena) -> list[str]:
    """Connections that are not closed soon, and keys that would stay for ever."""
    return [*await _connections(arena), *await _keys(arena)]


async def _connections(arena: Arena) -> list[str]:
    left: list[str] = []
    async with arena.superuser() as connection:
        for _ in range(int(CLOSING_SECONDS / LOOK_SECONDS)):
            left = [f"a connection of {row[0]}" for row in await connection.fetch(BACKENDS)]
            if not left:
                break
            await asyncio.sleep(LOOK_SECONDS)
    return left


async def _keys(arena: Arena) -> list[str]:
    async with arena.direct_redis() as redis:
        names = [name async for name in redis.scan_iter(count=10_000)]
        lasting = [name for name in names if await redis.ttl(name) == -1]
        return [f"the key {name.decode()}" for name in lasting if not name.startswith(STREAMS)]
