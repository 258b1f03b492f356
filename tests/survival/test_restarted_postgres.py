"""Promises 1 to 3: PostgreSQL goes down under load and comes back; the worker outlives it."""

import os
import signal

import pytest

from jobs.envelope import AnyJob
from ops.verify.run import verify
from tests.survival.processes import worker_process
from tests.survival.site import Site
from tests.waiting import until

RESTARTS = 2
JOBS_BETWEEN = 300


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_restart_of_postgres_under_load_loses_and_doubles_nothing(
    site: Site, how: signal.Signals
) -> None:
    """Fast shutdown, immediate shutdown, and a killed postmaster."""
    sent: list[AnyJob] = []
    async with worker_process(site.settings) as worker:
        for _ in range(RESTARTS):
            sent += await _send(site)
            await _restart(site, how, sent=len(sent))
        await until(lambda: site.are_settled({job.id for job in sent}), seconds=60)

        assert worker.returncode is None

    tasks = await site.engine.count("task", site.cast.tenant_id)
    assert tasks == RESTARTS * JOBS_BETWEEN
    assert await site.engine.count("job", site.cast.tenant_id, "status <> 'applied'") == 0
    assert (await verify(site.database.engine("reader"))).violations == []


async def _send(site: Site) -> list[AnyJob]:
    jobs = [site.cast.task() for _ in range(JOBS_BETWEEN)]
    await site.producer.enqueue_many(jobs)
    return jobs


async def _restart(site: Site, how: signal.Signals, *, sent: int) -> None:
    """Ends PostgreSQL while jobs are being applied; the supervisor starts it again."""
    before = site.postmaster()
    await until(lambda: _is_at_work(site, sent), seconds=30)
    os.kill(before, how)
    await until(lambda: _is_back(site, before), seconds=60)


async def _is_at_work(site: Site, sent: int) -> bool:
    done = await site.engine.count("task", site.cast.tenant_id)
    return sent - JOBS_BETWEEN < done


async def _is_back(site: Site, before: int) -> bool:
    try:
        if site.postmaster() == before:
            return False
        await site.engine.execute("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever says that it is not back yet
        return False
    return True
