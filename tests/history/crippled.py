"""Worker processes that are made to fail: with a safeguard taken out, or struck at a failpoint.

They are forked from a server that has imported everything, so that one starts in a moment.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from ops.checkout import CHECKOUT
from ops.loop import run
from ops.working import work
from settings import Settings
from tests.history.failpoints import install
from tests.history.mutants import MUTANTS

FORKING = get_context("forkserver")
URLS = ("database_url", "redis_url")


@dataclass(frozen=True, slots=True)
class Crippled:
    """A worker's process. `struck` is set when it has come to its failpoint."""

    process: BaseProcess
    struck: Event

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    async def has_stopped(self) -> bool:
        """By a failpoint that stalls; or it has ended."""
        return self.process.exitcode is not None or _state(self.pid) == "T"

    async def has_ended(self) -> bool:
        return self.process.exitcode is not None

    def signal(self, how: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, how)


@asynccontextmanager
async def crippled(
    settings: Settings, *, mutant: str | None = None, strike: tuple[str, str] | None = None
) -> AsyncIterator[Crippled]:
    """The worker runs while the block does, or until it is struck; none is left afterwards."""
    # The server of forks has to find its modules.
    os.environ["PYTHONPATH"] = str(CHECKOUT)
    FORKING.set_forkserver_preload([__name__])
    struck = FORKING.Event()
    process = FORKING.Process(target=run_crippled, args=(_given(settings), mutant, strike, struck))
    process.daemon = True
    process.start()
    try:
        yield Crippled(process, struck)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


def run_crippled(
    given: dict[str, Any], mutant: str | None, strike: tuple[str, str] | None, struck: Event
) -> None:
    """What the process does. The failpoint is below the mutation, which may wrap the same."""
    if strike is not None:
        install(*strike, struck)
    if mutant is not None:
        MUTANTS[mutant]()
    run(work(Settings(**given), burst=False))


def _given(settings: Settings) -> dict[str, Any]:
    """What can be sent to another process: secrets are told."""
    names = settings.model_fields_set - set(URLS)
    return {
        **{name: getattr(settings, name) for name in names},
        "database_url": settings.resolved_database_url.get_secret_value(),
        "redis_url": settings.resolved_redis_url.get_secret_value(),
        "log_level": "CRITICAL",
    }


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
