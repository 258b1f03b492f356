"""streaq on Redis streams: pipelined bulk enqueue, no results, silent tasks."""

import argparse
from collections.abc import Callable
from typing import Any

from streaq import Worker  # type: ignore[import-not-found]  # only in this peer's environment

from benchmarks.peers.contract import main

CONCURRENCY = 50
CHUNK_JOBS = 500


class Streaq:
    def __init__(self, worker: Any, run: Callable[..., None]) -> None:
        async def no_op(scheduled: float = 0.0) -> None:
            run(scheduled)

        self._worker = worker
        self._no_op = worker.task(no_op, name="no_op", silent=True, ttl=0)

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, CHUNK_JOBS):
            some = range(min(CHUNK_JOBS, number - start))
            await self._worker.enqueue_many([self._no_op.enqueue() for _ in some])

    async def enqueue_one(self, scheduled: float) -> None:
        await self._no_op.enqueue(scheduled)

    async def is_settled(self) -> bool:
        return bool(await self._worker.queue_size() == 0)

    async def work(self) -> None:
        await self._worker.run_async()


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Streaq:
    worker = Worker(redis_url=arguments.redis, concurrency=CONCURRENCY, handle_signals=False)
    if arguments.role == "driver":
        await worker.__aenter__()
    return Streaq(worker, run)


if __name__ == "__main__":
    main(opened)
