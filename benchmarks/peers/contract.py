"""What every peer's script does: talks in lines of JSON with the harness, as a driver or a worker.

Standard library only, since each peer runs in an environment of its own. A driver enqueues and
says when the peer's queue holds nothing unacknowledged; a worker runs no-ops and says when it has
run as many as it was told to expect, so that nothing is asked of the servers meanwhile. Times are
CLOCK_MONOTONIC, which all processes of a machine share. A process ends when its stdin does.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

LOOK_SECONDS = 0.002
YOUNG_OBJECTS = 50_000
"""As in the product's worker: the peers get its garbage collection, too."""
STARTING_SECONDS = 0.5
"""Then a library's first upkeep is over: SAQ sweeps away jobs that it finds half taken."""
LINE_BYTES = 16 * 1024 * 1024
"""Of one line: the arrivals of a run."""


class Peer(Protocol):
    """One queue library in its fastest documented configuration; `run` is the no-op's body."""

    async def enqueue(self, number: int) -> None:
        """So many no-ops are queued, by the fastest way that the library documents."""

    async def enqueue_one(self, scheduled: float) -> None:
        """One no-op is queued, which tells the worker when it should have been."""

    async def is_settled(self) -> bool:
        """Nothing is queued, running or unacknowledged."""

    async def work(self) -> None:
        """Runs jobs until it is cancelled."""


@dataclass(slots=True)
class Ran:
    """The no-ops that this worker process has run since it was told how many to expect."""

    number: int = 0
    expected: int = 0
    delays_ms: list[float] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, scheduled: float = 0.0) -> None:
        self.number += 1
        if scheduled:
            self.delays_ms.append((perf_counter() - scheduled) * 1000)
        if self.number == self.expected:
            self.reached.set()

    def expect(self, number: int) -> None:
        self.number, self.expected = 0, number
        self.delays_ms = []
        self.reached.clear()


Opening = Callable[[argparse.Namespace, Callable[..., None]], Awaitable[Peer]]
"""Makes a peer of the arguments (role, redis, postgres) and the no-op's body."""


def main(opening: Opening) -> None:
    """The whole of a peer's script."""
    import uvloop  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - the harness has none to offer

    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("driver", "worker"))
    parser.add_argument("--redis", required=True)
    parser.add_argument("--postgres", required=True)
    arguments = parser.parse_args()
    role = _drive if arguments.role == "driver" else _work
    gc.set_threshold(YOUNG_OBJECTS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(role(opening, arguments))


async def _work(opening: Opening, arguments: argparse.Namespace) -> None:
    gc.freeze()
    ran = Ran()
    peer = await opening(arguments, ran)
    working = asyncio.create_task(peer.work())
    working.add_done_callback(_fail)
    await asyncio.sleep(STARTING_SECONDS)
    _say(ready=True)
    lines = await _stdin()
    async for line in lines:
        ran.expect(json.loads(line)["expect"])
        _say(expecting=ran.expected)
        await ran.reached.wait()
        _say(ran=ran.number, delays_ms=ran.delays_ms)
    os._exit(0)  # all is acknowledged by now, and some libraries' shutdowns take seconds


async def _drive(opening: Opening, arguments: argparse.Namespace) -> None:
    peer = await opening(arguments, lambda _=0.0: None)
    _say(ready=True)
    lines = await _stdin()
    async for line in lines:
        match json.loads(line):
            case {"enqueue": int(number)}:
                started = perf_counter()
                await peer.enqueue(number)
                _say(started=started, enqueued=perf_counter())
            case {"arrivals": list(offsets)}:
                await _arrive(peer, offsets)
                _say(sent=len(offsets))
            case {"settle": True}:
                while not await peer.is_settled():  # noqa: ASYNC110 - no peer tells
                    await asyncio.sleep(LOOK_SECONDS)
                _say(settled=perf_counter())
    os._exit(0)


async def _arrive(peer: Peer, offsets: Sequence[float]) -> None:
    """An open loop: nobody waits for the job before; lateness counts as the job's own delay."""
    started = perf_counter()
    async with asyncio.TaskGroup() as group:
        for offset in offsets:
            await asyncio.sleep(max(0.0, started + offset - perf_counter()))
            group.create_task(peer.enqueue_one(started + offset))


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _say(**answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _fail(working: asyncio.Task[None]) -> None:
    """A worker that ends by itself must not leave the harness waiting."""
    sys.stderr.write(f"the worker ended: {working.exception()!r}\n")
    os._exit(1)
