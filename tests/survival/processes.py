"""Real worker processes for tests: started, killed, waited for by their own pid."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from ops.checkout import CHECKOUT
from settings import Settings


@asynccontextmanager
async def worker_process(
    settings: Settings, program: Sequence[str] = ("ops",)
) -> AsyncIterator[Process]:
    """`taskrail worker` on these servers; killed at the end if it still runs.

    `program`: another module that runs it, and its arguments.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", *program, "worker"),
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment(settings)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        await end(process, signal.SIGKILL)


async def end(process: Process, how: signal.Signals) -> int:
    """The process has ended; its exit code."""
    with suppress(ProcessLookupError):
        process.send_signal(how)
    return await process.wait()


def environment(settings: Settings) -> dict[str, str]:
    """What leads another process to the same servers and queue, with the same patience."""
    return {
        "TASKRAIL_DATABASE_URL": settings.resolved_database_url.get_secret_value(),
        "TASKRAIL_REDIS_URL": settings.resolved_redis_url.get_secret_value(),
        "TASKRAIL_QUEUE_NAME": settings.queue_name,
        "TASKRAIL_HOLD_SECONDS": str(settings.hold_seconds),
        "TASKRAIL_LOCK_TIMEOUT_MS": str(settings.lock_timeout_ms),
        "TASKRAIL_STATEMENT_TIMEOUT_MS": str(settings.statement_timeout_ms),
        "TASKRAIL_COMMAND_TIMEOUT_SECONDS": str(settings.command_timeout_seconds),
        "TASKRAIL_LOG_LEVEL": "CRITICAL",
    }
