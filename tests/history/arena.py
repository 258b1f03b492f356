"""Where a soak takes place: servers, proxies and tenants of its own, and the ways around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from ops.embedded.temporary import own_servers
from ops.preparation import prepare
from settings import PREFIX, Settings, bare_environment
from tests.history.proxies import Proxy

TENANTS = 4
CONNECT_SECONDS = 3
LOOK_SECONDS = 0.02
LONGEST_SECONDS = 60.0
QUEUE = "arq:queue"
SETTINGS = {
    "QUEUE_NAME": QUEUE,
    "LOG_LEVEL": "CRITICAL",
    "HOLD_SECONDS": "2",
    "SWEEPER_SECONDS": "0.5",
    "MISSING_ROW_GRACE_SECONDS": "2",
    "AFTER_LIMIT_SECONDS": "8",
    "LOCK_TIMEOUT_MS": "500",
    "STATEMENT_TIMEOUT_MS": "2000",
    "COMMAND_TIMEOUT_SECONDS": "3",
    "POOL_TIMEOUT_SECONDS": "5",
    "STREAM_EVENTS": "1000000",
}
"""Shorter than in life, so that a minute has room for many ends of patience."""


@dataclass(frozen=True, slots=True)
class Arena:
    """The workers' and producers' way leads through the proxies, the nemesis's does not."""

    settings: Settings
    postgres: Proxy
    redis: Proxy
    tenants: list[UUID] = field(default_factory=lambda: [uuid7() for _ in range(TENANTS)])

    @property
    def folder(self) -> Path:
        return self.settings.data_dir.parent

    @property
    def environment(self) -> dict[str, str]:
        """Of processes that go through the proxies; nothing of the operator's is left in it."""
        given = SETTINGS | {
            "DATABASE_URL": f"{self.database_url}?connect_timeout={CONNECT_SECONDS}",
            "REDIS_URL": self.redis_url,
        }
        return bare_environment() | {PREFIX + name: value for name, value in given.items()}

    @property
    def database_url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.postgres.port}/taskrail"

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.redis.port}"

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[Any]:
        """A connection around the proxy, as soon as the server takes one."""
        connection = await self._connected()
        try:
            yield connection
        finally:
            connection.terminate()

    @asynccontextmanager
    async def direct_redis(self) -> AsyncIterator[Any]:
        redis = Redis.from_url(self.settings.resolved_redis_url.get_secret_value())
        try:
            yield redis
        finally:
            await redis.aclose()

    async def postgres_answers(self) -> None:
        """Returns when it does again."""
        async with self.superuser():
            return

    async def redis_answers(self) -> None:
        async with asyncio.timeout(LONGEST_SECONDS):
            while not await self._has_redis():  # noqa: ASYNC110 - servers tell nobody
                await asyncio.sleep(LOOK_SECONDS)

    def postmaster(self) -> int:
        pid_file = self.settings.data_dir / "postgres" / "postmaster.pid"
        return int(pid_file.read_text().split("\n", 1)[0])

    async def valkey(self) -> int:
        """Its process id."""
        async with self.direct_redis() as redis:
            return int((await redis.info("server"))["process_id"])

    async def _connected(self) -> Any:
        url = self.settings.resolved_database_url.get_secret_value()
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                try:
                    return await asyncpg.connect(url, timeout=5, command_timeout=LONGEST_SECONDS)
                except (asyncpg.PostgresError, OSError, TimeoutError):
                    await asyncio.sleep(LOOK_SECONDS)

    async def _has_redis(self) -> bool:
        try:
            async with asyncio.timeout(1), self.direct_redis() as redis:
                await redis.ping()
        except (RedisError, OSError, TimeoutError):
            return False
        return True


@asynccontextmanager
async def opened_arena() -> AsyncIterator[Arena]:
    """Servers that answer, with schema and tenants; gone with all their data afterwards."""
    with own_servers() as settings:
        await prepare(settings)
        run_dir = settings.run_dir
        arena = Arena(settings, Proxy(run_dir / ".s.PGSQL.5432"), Proxy(run_dir / "valkey.sock"))
        async with arena.superuser() as connection:
            await connection.executemany(
                "INSERT INTO taskrail.tenant (id, slug, name) VALUES ($1, $2, 'Soaked')",
                [(tenant, f"soaked-{place}") for place, tenant in enumerate(arena.tenants)],
            )
        async with arena.postgres.running(), arena.redis.running():
            yield arena
