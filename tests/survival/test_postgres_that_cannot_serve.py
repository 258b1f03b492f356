"""PostgreSQL answers but cannot serve: no job pays for it, and all goes on by itself (F09, F11)."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from db.urls import libpq_url
from tests.survival.processes import worker_process
from tests.survival.site import Site
from tests.waiting import until

JOBS = 50
OTHERS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'taskrail %'"
Trouble = Callable[[Site], AbstractAsyncContextManager[None]]


async def connected(site: Site) -> "asyncpg.Connection[Any]":
    return await asyncpg.connect(libpq_url(site.settings.resolved_database_url).get_secret_value())


@asynccontextmanager
async def read_only(site: Site) -> AsyncIterator[None]:
    """As a former primary is after a failover."""
    superuser = await connected(site)
    await superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    await superuser.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await superuser.execute("SELECT pg_reload_conf()")
        await superuser.close()


@asynccontextmanager
async def out_of_connections(site: Site) -> AsyncIterator[None]:
    """Somebody else has them all."""
    taken = [await connected(site)]
    try:
        while others := await taken[0].fetch(OTHERS):
            for other in others:
                await taken[0].execute("SELECT pg_terminate_backend($1)", other["pid"])
            await _take_all(site, taken)
        yield
    finally:
        for connection in taken:
            await connection.close()


async def _take_all(site: Site, taken: "list[asyncpg.Connection[Any]]") -> None:
    while True:
        try:
            taken.append(await connected(site))
        except asyncpg.TooManyConnectionsError:
            return


@pytest.mark.parametrize("trouble", [read_only, out_of_connections])
async def test_a_postgres_that_cannot_serve_costs_no_job_and_no_attempt(
    site: Site, trouble: Trouble
) -> None:
    async with worker_process(site.settings) as worker:
        first = await site.producer.enqueue(site.cast.task())
        assert (await first.outcome(30))["status"] == "applied"

        async with trouble(site):
            handles = await site.producer.enqueue_many([site.cast.task() for _ in range(JOBS)])
            await until(lambda: _is_given_back(site, str(handles[0].job.id)), seconds=30)
        outcomes = [await handle.outcome(60) for handle in handles]

        assert worker.returncode is None
    assert {outcome["status"] for outcome in outcomes} == {"applied"}
    assert await site.engine.count("job", site.cast.tenant_id, "attempts > 1") == 0


async def _is_given_back(site: Site, name: str) -> bool:
    """It was taken, and is as if it had not been."""
    count: bytes | None = await site.redis.get(f"arq:retry:{name}")
    return count == b"0"
