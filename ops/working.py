"""The consumer in this process."""

from ops.collecting import spare_what_is_there
from settings import Settings
from worker.consumer import Consumer
from worker.settings import worker_options


async def work(settings: Settings, *, burst: bool) -> None:
    """Applies jobs until SIGTERM or SIGINT; with `burst` until the queue is empty."""
    spare_what_is_there()
    await Consumer(**worker_options(settings, burst=burst)).async_run()
