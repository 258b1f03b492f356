"""taskiq on Redis streams, the broker that acknowledges; no results, no bulk enqueue."""

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from taskiq.api import run_receiver_task  # type: ignore[import-not-found]  # only in this peer's environment
from taskiq_redis import RedisStreamBroker  # type: ignore[import-not-found]  # as above

from benchmarks.peers.contract import main

MAX_ASYNC_TASKS = 100
PREFETCHED = 100
AT_ONCE = 20
GROUP = "taskiq"


class Taskiq:
    def __init__(self, broker: Any, redis: Any, run: Callable[..., None]) -> None:
        async def no_op(scheduled: float = 0.0) -> None:
            run(scheduled)

        self._broker = broker
        self._redis = redis
        self._no_op = broker.register_task(no_op, task_name="no_op")

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, AT_ONCE):
            some = range(min(AT_ONCE, number - start))
            await asyncio.gather(*(self._no_op.kiq() for _ in some))

    async def enqueue_one(self, scheduled: float) -> None:
        await self._no_op.kiq(scheduled)

    async def is_settled(self) -> bool:
        (group,) = await self._redis.xinfo_groups(self._broker.queue_name)
        return bool(group["pending"] == 0 and group["lag"] == 0)

    async def work(self) -> None:
        await run_receiver_task(
            self._broker,
            validate_params=False,
            max_async_tasks=MAX_ASYNC_TASKS,
            max_prefetch=PREFETCHED,
        )


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Taskiq:
    broker = RedisStreamBroker(arguments.redis, consumer_group_name=GROUP)
    await broker.startup()
    return Taskiq(broker, Redis.from_url(arguments.redis), run)


if __name__ == "__main__":
    main(opened)
