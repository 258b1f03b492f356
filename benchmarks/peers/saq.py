"""SAQ on Redis: nothing kept of finished jobs; enqueued as its own `map` does, many at a time."""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from saq import Worker  # type: ignore[import-not-found]  # only in this peer's environment
from saq.queue.redis import RedisQueue  # type: ignore[import-not-found]  # as above

from benchmarks.peers.contract import main

CONCURRENCY = 50
CHUNK_JOBS = 500
DELETED = -1
"""A `ttl` that keeps nothing of a finished job."""


class Saq:
    def __init__(self, queue: Any, run: Callable[..., None]) -> None:
        self._queue = queue
        self._run = run

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, CHUNK_JOBS):
            chunk = range(min(CHUNK_JOBS, number - start))
            await asyncio.gather(*(self._queue.enqueue("no_op", ttl=DELETED) for _ in chunk))

    async def enqueue_one(self, scheduled: float) -> None:
        await self._queue.enqueue("no_op", ttl=DELETED, scheduled_at=scheduled)

    async def is_settled(self) -> bool:
        return bool(await self._queue.count("incomplete") == 0)

    async def work(self) -> None:
        async def no_op(_: Any, scheduled_at: float = 0.0) -> None:
            self._run(scheduled_at)

        functions = [("no_op", no_op)]
        await Worker(
            self._queue, functions=functions, concurrency=CONCURRENCY, timers={"sweep": 3600}
        ).start()


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Saq:
    queue = RedisQueue(Redis.from_url(arguments.redis))
    await queue.connect()
    return Saq(queue, run)


if __name__ == "__main__":
    main(opened)
