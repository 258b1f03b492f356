"""Worker processes as children of this one: started, kept alive, stopped."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from ops.checkout import CHECKOUT
from ops.orphans import ending_with_parent

GRACE_SECONDS = 15.0
"""A worker finishes its batch; then it is killed, and its jobs are taken up by the next."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
NOTHING: Mapping[str, str] = {}


@asynccontextmanager
async def worker_processes(
    number: int, *, log: int | None = None, environ: Mapping[str, str] = NOTHING
) -> AsyncIterator[None]:
    """`number` workers run while the block runs; one that dies is replaced.

    `log`: a file descriptor for what they say; this process's own stdout and stderr if not given.
    `environ`: variables that they have beside this process's own.
    """
    keepers = [asyncio.create_task(_keep_one(log, environ)) for _ in range(number)]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _keep_one(log: int | None, environ: Mapping[str, str]) -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ops", "worker"),
            cwd=CHECKOUT,
            env={**os.environ, **environ},
            stdout=log,
            stderr=log,
            # Ctrl-C on the terminal is for this process, which then tells its workers.
            start_new_session=True,
            preexec_fn=ending_with_parent(signal.SIGTERM),
        )
        try:
            await process.wait()
        finally:
            await asyncio.shield(_stop(process))
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _stop(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
