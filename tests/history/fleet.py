"""The worker processes of a soak, each in a slot of its own: killed, stopped, replaced."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ops.checkout import CHECKOUT
from ops.orphans import ending_with_parent
from tests.skewed import AT_WORK

WORKER = ("worker", "--verbose")
CLOCKS = (0, 7_200, -7_200)
"""By how many seconds the clock of the worker in each slot is wrong."""
GRACE_SECONDS = 40.0


class Fleet:
    """`complaints`: processes that ended otherwise than they were told to."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = environment
        self._logs = logs
        self._slots: dict[int, Process] = {}
        self.complaints: list[str] = []

    async def replace(self, slot: int) -> None:
        """A new one is in this slot, which may be the next."""
        command = ("-P", "-m", "tests.skewed", str(CLOCKS[slot % len(CLOCKS)]), *WORKER)
        with self._log(slot).open("ab") as log:
            streams = {"stdin": DEVNULL, "stdout": log, "stderr": log}
            self._slots[slot] = await started(command, self._environment, **streams)

    def __len__(self) -> int:
        return len(self._slots)

    def send(self, slot: int, how: signal.Signals) -> None:
        self._require_alive(slot)
        with suppress(ProcessLookupError):
            self._slots[slot].send_signal(how)

    async def kill(self, slot: int) -> None:
        self.send(slot, signal.SIGKILL)
        await self._slots[slot].wait()

    async def terminate(self, slot: int) -> None:
        """It has finished its batch and ended, with 0."""
        self.send(slot, signal.SIGTERM)
        code = await ended(self._slots[slot])
        # Who is still starting has nothing in hand, and may end by the signal itself.
        if code != 0 and self._was_at_work(slot):
            said = f"worker {slot}, told to stop, ended with {code}: {self._last(slot)}"
            self.complaints.append(said)

    async def end(self) -> None:
        """All are told to stop, and have."""
        await asyncio.gather(*map(self.terminate, self._slots))

    async def clear(self) -> None:
        """No process is left, whatever state it was in."""
        for process in self._slots.values():
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _require_alive(self, slot: int) -> None:
        code = self._slots[slot].returncode
        if code is not None:
            self.complaints.append(
                f"worker {slot} ended by itself, with {code}: {self._last(slot)}"
            )

    def _last(self, slot: int) -> str:
        """The last thing that it said."""
        said = [line for line in self._said(slot) if not line.startswith(AT_WORK)]
        return said[-1] if said else "without a word"

    def _was_at_work(self, slot: int) -> bool:
        return f"{AT_WORK}{self._slots[slot].pid}" in self._said(slot)

    def _said(self, slot: int) -> list[str]:
        return self._log(slot).read_text(errors="replace").strip().splitlines()

    def _log(self, slot: int) -> Path:
        return self._logs / f"worker-{slot}.log"


@asynccontextmanager
async def fleet_of(number: int, environment: Mapping[str, str], logs: Path) -> AsyncIterator[Fleet]:
    """So many workers run; none is left afterwards."""
    fleet = Fleet(environment, logs)
    try:
        for slot in range(number):
            await fleet.replace(slot)
        yield fleet
    finally:
        await fleet.clear()


async def started(
    command: Sequence[str], environment: Mapping[str, str], **streams: Any
) -> Process:
    """Python runs with these arguments, from nowhere, and dies with this process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd="/",
        env={**environment, "PYTHONPATH": str(CHECKOUT)},
        preexec_fn=ending_with_parent(signal.SIGKILL),
        **streams,
    )


async def ended(process: Process) -> int:
    """The exit code; a process that does not end in time is killed."""
    try:
        return await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        process.kill()
        return await process.wait()
