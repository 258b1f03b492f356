"""Processes of a run: what they print as lines of JSON is heard, and they end with it."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from ops.checkout import CHECKOUT
from settings import Settings, bare_environment

LINE_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 180.0
ENDING_SECONDS = 10.0
WORKER = (sys.executable, "-P", "-m", "ops", "worker")
STOCK = (sys.executable, "-P", "-m", "benchmarks.stock")


class Talking:
    """A process that is asked, and answers, in lines of JSON."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, **question: Any) -> dict[str, Any]:
        """Its next line."""
        assert self._process.stdin is not None  # noqa: S101 - started with a pipe
        self._process.stdin.write(to_json(question) + b"\n")
        await self._process.stdin.drain()
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """Its next line. Raises RuntimeError if it has ended, TimeoutError after three minutes."""
        assert self._process.stdout is not None  # noqa: S101 - started with a pipe
        line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_SECONDS)
        if not line:
            raise RuntimeError(f"a benchmark's process ended with {await self._process.wait()}")
        return dict(from_json(line))


@asynccontextmanager
async def talking(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncIterator[Talking]:
    """The command runs and answers; its stderr is ours."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd="/",
        env=environment_of(environment),
        stdin=PIPE,
        stdout=PIPE,
        limit=LINE_BYTES,
    )
    assert process.stdin is not None  # noqa: S101 - started with a pipe
    try:
        yield Talking(process)
    finally:
        process.stdin.close()  # which is its sign to end
        await _ended(process)


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], number: int = 1
) -> AsyncIterator[list[Process]]:
    """The command runs so many times, silently; afterwards the processes have drained and ended."""
    processes = [
        await asyncio.create_subprocess_exec(
            *command,
            cwd="/",
            env=environment_of(environment),
            stdin=DEVNULL,
            stdout=DEVNULL,
        )
        for _ in range(number)
    ]
    try:
        yield processes
    finally:
        await asyncio.gather(*map(_end, processes))


def leading_to(settings: Settings) -> dict[str, str]:
    """The environment that leads another process to the same servers and queue."""
    return {
        "TASKRAIL_DATABASE_URL": settings.resolved_database_url.get_secret_value(),
        "TASKRAIL_REDIS_URL": settings.resolved_redis_url.get_secret_value(),
        "TASKRAIL_QUEUE_NAME": settings.queue_name,
        "TASKRAIL_LOG_LEVEL": "CRITICAL",
    }


def rss_mb(pid: int) -> float:
    """The resident memory of a process, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(kilobytes) / 1024, 1)


def environment_of(others: Mapping[str, str] | None) -> dict[str, str]:
    """Of a run's process: of taskrail's settings it has those that are given, and no others."""
    return {**bare_environment(), "PYTHONPATH": str(CHECKOUT), **(others or {})}


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await _ended(process)


async def _ended(process: Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), ENDING_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
