"""The loops beside the queue: each a round, again and again, until the worker stops."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from worker.backoff import full_jitter
from worker.loops.arrival import Arrival
from worker.loops.calendar import Calendar
from worker.loops.reaper import reap
from worker.loops.relay import Relay
from worker.loops.sweeper import Sweeper
from worker.loops.tally import fold
from worker.runtime import Runtime
from worker.signals import LoopFailed

TALLY_SECONDS = 5.0

Round = Callable[[Runtime], Awaitable[int]]


def start_loops(runtime: Runtime) -> list[asyncio.Task[None]]:
    """All loops run; hand the answer to `stop_loops`."""
    settings = runtime.settings
    rounds: list[tuple[str, Round, float]] = [
        ("arrival", Arrival().take_up, settings.sweeper_seconds),
        ("reaper", reap, settings.reaper_seconds),
        ("sweeper", Sweeper().sweep, settings.sweeper_seconds),
        ("tally", fold, TALLY_SECONDS),
        ("calendar", Calendar().observe, settings.calendar_seconds),
    ]
    relaying = repeat("relay", Relay().observe, settings.relay_seconds, runtime, runtime.news)
    repeating = [repeat(name, round_, rest, runtime) for name, round_, rest in rounds]
    return [asyncio.create_task(loop) for loop in (*repeating, relaying)]


async def stop_loops(loops: Sequence[asyncio.Task[None]]) -> None:
    """No loop runs any more; a round that was under way is rolled back, and comes again."""
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


async def repeat(
    name: str,
    round_: Round,
    rest_seconds: float,
    runtime: Runtime,
    news: asyncio.Event | None = None,
) -> None:
    """Runs rounds with a rest between them, and a longer one after each failure in a row.

    `news` ends the rest, but not what a failure added to it; the round is to clear it.
    """
    news = news or asyncio.Event()
    failures = 0
    while True:
        try:
            await round_(runtime)
            failures = 0
        except Exception as error:  # noqa: BLE001 - a loop outlives whatever its rounds meet
            failures += 1
            runtime.emit(LoopFailed(loop=name, error=repr(error)))
        if _is_cancelled():
            return
        if failures:
            await asyncio.sleep(full_jitter(failures))
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_seconds):
                await news.wait()


def _is_cancelled() -> bool:
    """Also when the round did not notice.

    Until Python 3.12 `asyncio.wait_for`, in which Redis's client sends, loses a cancellation that
    comes as it ends (https://github.com/python/cpython/issues/86296).
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
