"""Stock Arq: no delay between polls, no results; it has no bulk enqueue, so a few at a time."""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker, func

from benchmarks.peers.contract import main

MAX_JOBS = 50
READ_LIMIT = 1_000
AT_ONCE = 20
QUEUE = "arq:queue"


class Arq:
    def __init__(self, redis: ArqRedis, run: Callable[..., None]) -> None:
        self._redis = redis
        self._run = run

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, AT_ONCE):
            some = range(min(AT_ONCE, number - start))
            await asyncio.gather(*(self._redis.enqueue_job("no_op") for _ in some))

    async def enqueue_one(self, scheduled: float) -> None:
        await self._redis.enqueue_job("no_op", scheduled)

    async def is_settled(self) -> bool:
        return bool(await self._redis.zcard(QUEUE) == 0)

    async def work(self) -> None:
        async def no_op(ctx: dict[Any, Any], *args: Any, **_: Any) -> None:  # noqa: ARG001 - Arq's signature
            self._run(*args)

        worker = Worker(
            [func(no_op, name="no_op", keep_result=0)],
            redis_pool=self._redis,
            max_jobs=MAX_JOBS,
            queue_read_limit=READ_LIMIT,
            poll_delay=0,
            log_results=False,
            handle_signals=False,
        )
        await worker.async_run()


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Arq:
    return Arq(await create_pool(RedisSettings.from_dsn(arguments.redis)), run)


if __name__ == "__main__":
    main(opened)
