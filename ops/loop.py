"""Runs a coroutine to its end, on uvloop where there is one."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

try:
    from uvloop import new_event_loop
except ImportError:  # Windows has none
    new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]  # another class of loop

ResultT = TypeVar("ResultT")


def run(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The coroutine's result; Ctrl-C cancels it and ends the command."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)
