"""Runs a coroutine to its end, on uvloop where there is one."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

try:
    from uvloop import new_event_loop
except ImportError:  # Windows has none
    new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]  # another class of loop

ResultT = TypeVar("ResultT")


def end_on_sigterm() -> None:
    """From now on SIGTERM ends this process by its way out: servers and workers are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def run(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The coroutine's result; Ctrl-C and SIGTERM cancel it and end the command."""
    # Closing a loop resets the signals that were handled in it.
    before = signal.getsignal(signal.SIGTERM)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(_until_told(coroutine))
    finally:
        signal.signal(signal.SIGTERM, before)


async def _until_told(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    work = asyncio.ensure_future(coroutine)
    told: list[bool] = []

    def stop() -> None:
        told.append(True)
        work.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        return await work
    except asyncio.CancelledError:
        if told:
            sys.exit(1)
        raise
