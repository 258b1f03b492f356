"""The peers, each in an environment of its own: a driver process and a worker process a run."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from benchmarks.driving import WARMING_JOBS
from benchmarks.processes import Talking, talking
from ops.checkout import CHECKOUT
from settings import Settings

PROJECT = CHECKOUT / "benchmarks" / "peers"
ENVIRONMENTS = Path("~/.cache/taskrail/peers").expanduser()
PEERS = {
    "arq": 4_000,
    "saq": 6_000,
    "streaq": 4_000,
    "taskiq": 8_000,
    "procrastinate": 1_500,
    "pgqueuer": 30_000,
    "awa": 15_000,
}
"""Names, and no-ops a round: about two seconds each."""
DATABASE = "peer"
REDIS_DATABASE = 1
"""The product's is 0."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A peer at work: one driver process, one worker process."""

    driver: Talking
    worker: Talking

    async def rate(self, number: int) -> float:
        """No-ops per second, from the first enqueue until the last is acknowledged."""
        await self.worker.ask(expect=number)
        started = (await self.driver.ask(enqueue=number))["started"]
        await self.worker.hear()
        settled = (await self.driver.ask(settle=True))["settled"]
        return float(number / (settled - started))

    async def delays(self, offsets: list[float]) -> list[float]:
        """Milliseconds from when each job was to be enqueued until it ran."""
        await self.worker.ask(expect=len(offsets))
        await self.driver.ask(arrivals=offsets)
        ran = await self.worker.hear()
        await self.driver.ask(settle=True)
        return [float(delay) for delay in ran["delays_ms"]]


async def install(peers: Sequence[str]) -> None:
    """Their locked environments are there, in the user's cache. Raises RuntimeError without uv."""
    for peer in peers:
        process = await asyncio.create_subprocess_exec(
            uv_found(),
            *("sync", "--project", str(PROJECT), "--group", peer, "--frozen", "--quiet"),
            *("--python", sys.executable, "--no-python-downloads"),
            env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENTS / peer)},
        )
        if await process.wait() != 0:
            raise RuntimeError(f"{peer} could not be installed: is PyPI reachable?")


@asynccontextmanager
async def rival(peer: str, settings: Settings) -> AsyncIterator[Rival]:
    """The peer works in an empty Redis database and an empty PostgreSQL one, and is warm."""
    python = str(ENVIRONMENTS / peer / "bin" / "python")
    redis, postgres = await _emptied(settings)
    where = ("--redis", redis, "--postgres", postgres)
    command = (python, "-P", "-m", f"benchmarks.peers.{peer}")
    async with talking((*command, "driver", *where)) as driver:
        await driver.hear()
        async with talking((*command, "worker", *where)) as worker:
            await worker.hear()
            working = Rival(driver, worker)
            await working.rate(WARMING_JOBS)
            yield working


async def _emptied(settings: Settings) -> tuple[str, str]:
    """Where the peer's Redis database and PostgreSQL database are, emptied."""
    redis_url = f"{settings.resolved_redis_url.get_secret_value()}?db={REDIS_DATABASE}"
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
    postgres_url = settings.resolved_database_url.get_secret_value()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()
    return redis_url, postgres_url.replace("/taskrail?", f"/{DATABASE}?")


def uv_found() -> str:
    """That on PATH, or the launcher's own."""
    places = os.pathsep.join(str(folder / "uv" / "bin") for folder in _launchers_folders())
    found = shutil.which("uv") or shutil.which("uv", path=places)
    if found is None:
        raise RuntimeError("the peers need uv: https://docs.astral.sh/uv, or --peers none")
    return found


def _launchers_folders() -> Iterator[Path]:
    """Where `./taskrail` may keep what it installs, in its own order."""
    if data_home := os.environ.get("XDG_DATA_HOME"):
        yield Path(data_home) / "taskrail"
    if home := os.environ.get("HOME"):
        yield Path(home) / ".local" / "share" / "taskrail"
    yield Path(os.environ.get("TMPDIR") or "/tmp") / f"taskrail-{os.getuid()}"  # noqa: S108 - as there
