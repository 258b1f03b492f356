"""PostgreSQL's disk is full (F22): no job pays for it, and all goes on when there is room again.

It needs a kernel that lets this user mount a tmpfs in a namespace of his own.
"""

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jobs.envelope import AnyJob
from jobs.producer import Handle
from ops.checkout import CHECKOUT
from ops.verify.run import verify
from settings import Settings
from tests.servers import forget_environment, own_folder
from tests.survival.holders import environment
from tests.survival.processes import worker_process
from tests.survival.site import Site, site_on
from tests.waiting import until

JOBS = 300
LONG = "word " * 400
"""So that they do not fit into what was there before the disk was full."""
MAY_MOUNT = ("-c", "from tests.survival.small_disk import enter_namespace; enter_namespace()")


def may_mount() -> bool:
    asked = subprocess.run(
        [sys.executable, *MAY_MOUNT], cwd=CHECKOUT, capture_output=True, check=False
    )
    return asked.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="the kernel lets this user mount nothing")
async def test_a_full_disk_costs_no_job_and_no_attempt() -> None:
    async with _on_small_disk() as (site, disk), worker_process(site.settings) as worker:
        jobs: list[AnyJob] = [site.cast.task(description=LONG) for _ in range(JOBS)]
        first = await site.producer.enqueue(site.cast.task())
        assert (await first.outcome(30))["status"] == "applied"

        await _tell(disk, "fill")
        handles = await site.producer.enqueue_many(jobs)
        await until(lambda: _is_given_back(site, handles), seconds=60)
        assert worker.returncode is None
        await _tell(disk, "free")
        outcomes = [await handle.outcome(90) for handle in handles]

        assert worker.returncode is None
        assert {outcome["status"] for outcome in outcomes} == {"applied"}
        assert await site.engine.count("job", site.cast.tenant_id, "attempts > 1") == 0
        assert await site.engine.count("task", site.cast.tenant_id) == JOBS + 1
        assert (await verify(site.database.engine("reader"))).violations == []


@asynccontextmanager
async def _on_small_disk() -> AsyncIterator[tuple[Site, Process]]:
    forget_environment()
    with own_folder() as folder:
        settings = Settings(data_dir=folder)
        disk = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.survival.small_disk"),
            cwd=CHECKOUT,
            env={**os.environ, **environment(settings)},
            stdin=PIPE,
            stdout=PIPE,
        )
        try:
            assert await _said(disk) == "ready"
            async with site_on(settings) as site:
                yield site, disk
        finally:
            disk.terminate()
            await disk.wait()


async def _tell(disk: Process, what: str) -> None:
    """It is done."""
    assert disk.stdin is not None
    disk.stdin.write(f"{what}\n".encode())
    assert await _said(disk) == what


async def _said(disk: Process) -> str:
    assert disk.stdout is not None
    line = await asyncio.wait_for(disk.stdout.readline(), timeout=120)
    return line.decode().strip()


async def _is_given_back(site: Site, handles: list[Handle]) -> bool:
    """Some were taken, and are as if they had not been."""
    counts: list[Any] = await site.redis.mget(f"arq:retry:{one.job.id}" for one in handles)
    return b"0" in counts
