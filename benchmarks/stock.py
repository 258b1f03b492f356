"""A worker process of the baseline: stock Arq, which runs the hand-written transactions.

`python -m benchmarks.stock CONNECTIONS`, with the product's environment: as many jobs at once as
connections, no delay between polls, the shortest results, no log of jobs. With `helped` behind it,
it has the product's event loop and garbage collection, too, which Arq does not come with.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any

from arq.worker import Function, Worker

from benchmarks.by_hand import RULES, apply_by_hand
from db.engine import create_engine, create_sessions
from jobs import codec
from jobs.envelope import KINDS, Job
from ops.collecting import spare_what_is_there
from ops.loop import run
from settings import Settings, load_settings
from worker.connection import redis_settings

READ_LIMIT = 1_000


async def work(settings: Settings, connections: int) -> None:
    """Applies jobs until SIGTERM."""
    sized = settings.model_copy(update={"pool_size": connections, "pool_overflow": 0})
    sessions = create_sessions(create_engine(sized, "worker"))

    async def apply_one(ctx: dict[Any, Any], *args: Any, **_: Any) -> dict[str, Any]:  # noqa: ARG001 - Arq's signature
        job = codec.read_envelope(args[0])
        if not isinstance(job, Job):
            raise TypeError("not a job of the workload")
        return await apply_by_hand(job, sessions)

    worker = Worker(
        functions=[Function(KINDS[kind], apply_one, None, 0, None, None) for kind in RULES],
        queue_name=settings.queue_name,
        redis_settings=redis_settings(settings),
        job_serializer=codec.dump,
        job_deserializer=codec.load,
        max_jobs=connections,
        queue_read_limit=READ_LIMIT,
        poll_delay=0,
        log_results=False,
    )
    with suppress(asyncio.CancelledError):  # which is how Arq ends on SIGTERM
        await worker.async_run()


def main(connections: str, *helped: str) -> None:
    working = work(load_settings(), int(connections))
    if not helped:
        asyncio.run(working)
        return
    spare_what_is_there()
    run(working)


if __name__ == "__main__":
    main(*sys.argv[1:])
