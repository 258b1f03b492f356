"""`arq worker.settings.WorkerSettings` runs stock Arq; the Consumer takes the same settings.

Arq reads this class's own __dict__: what is inherited or misspelt it drops without a word.
"""

from typing import Any

from arq.worker import get_kwargs

from settings import Settings, load_settings
from worker.connection import redis_settings
from worker.functions import FUNCTIONS, Emit, reading, starting, stop
from worker.logs import log_signal
from worker.results import KEEP_RESULT_SECONDS, dump_result
from worker.signing import keyring

SETTINGS = load_settings()


class WorkerSettings:
    """Nothing is dropped: no last try, no abort, no time-out that a batch could reach."""

    functions = FUNCTIONS
    queue_name = SETTINGS.queue_name
    redis_settings = redis_settings(SETTINGS)
    on_startup = starting(SETTINGS)
    on_shutdown = stop
    job_serializer = dump_result
    job_deserializer = reading(keyring=keyring(SETTINGS))
    max_tries = 2**31 - 1
    job_timeout = 60 * 60
    keep_result = KEEP_RESULT_SECONDS
    allow_abort_jobs = False
    log_results = False
    poll_delay = SETTINGS.poll_seconds
    health_check_interval = 10


def worker_options(settings: Settings, emit: Emit = log_signal, **others: Any) -> dict[str, Any]:
    """The keyword arguments of a worker that has these settings instead of the environment's.

    `others`: Arq's own, for instance `cron_jobs`.
    """
    names = {job.name for job in others.get("cron_jobs") or ()}
    return {
        **get_kwargs(dict(vars(WorkerSettings))),
        "queue_name": settings.queue_name,
        "redis_settings": redis_settings(settings),
        "on_startup": starting(settings, emit),
        "poll_delay": settings.poll_seconds,
        "job_deserializer": reading(names, keyring(settings)),
        **others,
    }
