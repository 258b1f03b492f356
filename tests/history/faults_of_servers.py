"""Faults of PostgreSQL and Redis, and of what stands in the queue."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from signal import SIGCONT, SIGKILL, SIGQUIT, SIGSTOP, Signals
from typing import Any

import asyncpg
from pydantic_core import from_json

from jobs.wire import ENQUEUE, payload
from tests.history.arena import QUEUE, Arena
from tests.history.streams import published, stream_of
from tests.history.wounds import Victims, Wound

OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""
LOCK = """
    SELECT 1 FROM taskrail.task WHERE status <> 'completed' ORDER BY id DESC LIMIT 50 FOR UPDATE
"""
ANY_SETTLED = """
    SELECT id::text, kind, envelope::text FROM taskrail.job TABLESAMPLE SYSTEM (5)
    WHERE status <> 'accepted' LIMIT 50
"""
REORDERED_JOBS = 300
DISORDER_MS = 800.0
LEAST_MEMORY = "1mb"


@asynccontextmanager
async def backends_terminated(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    async with victims.arena.superuser() as connection:
        number = await connection.fetchval(
            f"SELECT count(pg_terminate_backend(pid)) FROM ({OTHERS}) AS other"  # noqa: S608
        )
    yield Wound(f"{number} backends")


@asynccontextmanager
async def backend_killed(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    """PostgreSQL takes all the others down with it and recovers."""
    async with victims.arena.superuser() as connection:
        pids = [row[0] for row in await connection.fetch(OTHERS)]
    if pids:
        os.kill(random.choice(pids), SIGKILL)
    yield Wound("one backend")
    await victims.arena.postgres_answers()


@asynccontextmanager
async def postgres_stopped_at_once(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    os.kill(victims.arena.postmaster(), SIGQUIT)
    yield Wound("immediate shutdown")
    await victims.arena.postgres_answers()


@asynccontextmanager
async def postgres_killed(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    os.kill(victims.arena.postmaster(), SIGKILL)
    yield Wound("postmaster")
    await victims.arena.postgres_answers()


@asynccontextmanager
async def postgres_read_only(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    await _set(victims.arena, "default_transaction_read_only = on")
    try:
        yield Wound()
    finally:
        await _set(victims.arena, "default_transaction_read_only = off")


@asynccontextmanager
async def connections_exhausted(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    """Also the superuser's reserve: workers of an embedded server log in as one."""
    taken: list[Any] = []
    url = victims.arena.settings.resolved_database_url.get_secret_value()
    with suppress(asyncpg.PostgresError, OSError):
        while True:
            taken.append(await asyncpg.connect(url, timeout=5))
    try:
        yield Wound(f"{len(taken)} taken")
    finally:
        for connection in taken:
            connection.terminate()
        await victims.arena.postgres_answers()


@asynccontextmanager
async def rows_locked(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    """Somebody holds the newest tasks and takes his time."""
    async with victims.arena.superuser() as connection, connection.transaction():
        rows = await connection.fetch(LOCK)
        yield Wound(f"{len(rows)} tasks")


@asynccontextmanager
async def redis_killed(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    os.kill(await victims.arena.valkey(), SIGKILL)
    yield Wound("with its log")
    await victims.arena.redis_answers()


@asynccontextmanager
async def redis_stopped(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    async with _signalled(await victims.arena.valkey(), SIGSTOP, SIGCONT):
        yield Wound()


@asynccontextmanager
async def redis_out_of_memory(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    async with victims.arena.direct_redis() as redis:
        await redis.config_set("maxmemory", LEAST_MEMORY)
        try:
            yield Wound(LEAST_MEMORY)
        finally:
            await redis.config_set("maxmemory", 0)


@asynccontextmanager
async def redis_flushed(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    """What stood there is written down in the same step, so that no more is forgiven."""
    tenants = victims.arena.tenants
    async with victims.arena.direct_redis() as redis, redis.pipeline(transaction=True) as both:
        both.zrange(QUEUE, 0, -1)
        for tenant in tenants:
            both.xrange(stream_of(tenant))
        both.flushall()
        names, *streams, _ = await both.execute()
    lost = [name.decode() for name in names]
    told = [key for one in zip(tenants, streams, strict=True) for key in published(*one)]
    yield Wound(f"{len(lost)} entries", lost, told)


@asynccontextmanager
async def jobs_duplicated(victims: Victims, _: Random) -> AsyncIterator[Wound]:
    """Jobs that are settled come once more."""
    async with victims.arena.superuser() as connection:
        rows = await connection.fetch(ANY_SETTLED)
    entries = [part for row in rows for part in (row[0], payload(row[1], from_json(row[2])))]
    async with victims.arena.direct_redis() as redis:
        if entries:
            await redis.eval(ENQUEUE, 1, QUEUE, "arq:job:", "arq:result:", *entries)
    yield Wound(f"{len(rows)} jobs")


@asynccontextmanager
async def jobs_reordered(victims: Victims, random: Random) -> AsyncIterator[Wound]:
    async with victims.arena.direct_redis() as redis:
        now = time.time() * 1000
        names = await redis.zrangebyscore(QUEUE, 0, now, start=0, num=REORDERED_JOBS)
        scores = {name: now + random.uniform(-DISORDER_MS, DISORDER_MS) for name in names}
        if scores:
            await redis.zadd(QUEUE, scores, xx=True)
    yield Wound(f"{len(names)} entries")


@asynccontextmanager
async def _signalled(pid: int, begin: Signals, end: Signals) -> AsyncIterator[None]:
    os.kill(pid, begin)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, end)
        await asyncio.sleep(0)


async def _set(arena: Arena, what: str) -> None:
    async with arena.superuser() as connection:
        # The session that switches it off must not be bound by it itself.
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f"ALTER SYSTEM SET {what}")
        await connection.execute("SELECT pg_reload_conf()")
