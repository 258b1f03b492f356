"""Waiting for something to become true, with a deadline instead of a sleep."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from worker.signals import Signal

T = TypeVar("T")
S = TypeVar("S", bound=Signal)

LOOK_AGAIN_SECONDS = 0.005
PATIENCE_SECONDS = 60.0
"""It only matters where something is broken: a busy machine may take as long as it likes."""


async def until(condition: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer of `condition`; TimeoutError if there is none in time."""
    async with asyncio.timeout(seconds):
        while not (answer := await condition()):  # noqa: ASYNC110 - others make it true
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return answer


class Signals(list[Signal]):
    """What was emitted; give `append` as `emit`."""

    def of(self, kind: type[S]) -> list[S]:
        return [signal for signal in self if isinstance(signal, kind)]

    async def first(self, kind: type[S]) -> S:
        """The first signal of this kind, as soon as there is one."""

        async def seen() -> list[S]:
            return self.of(kind)

        return (await until(seen))[0]
