"""The consumer in this process."""

import gc

from settings import Settings
from worker.consumer import Consumer
from worker.settings import worker_options

YOUNG_OBJECTS = 50_000
"""A batch makes more objects than Python's 700 and drops them all; looking at them cost 30 %."""


async def work(settings: Settings, *, burst: bool) -> None:
    """Applies jobs until SIGTERM or SIGINT; with `burst` until the queue is empty."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    await Consumer(**worker_options(settings, burst=burst)).async_run()
