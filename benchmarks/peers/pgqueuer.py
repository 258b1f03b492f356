"""PgQueuer on PostgreSQL over asyncpg: array enqueue, large batches, completions in batches."""

import argparse
import json
from collections.abc import Callable
from typing import Any

import asyncpg
from pgqueuer import PgQueuer, Queries  # type: ignore[import-not-found]  # only in this peer's environment
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver  # type: ignore[import-not-found]  # as above

from benchmarks.peers.contract import main

BATCH = 500
CHUNK_JOBS = 1_000
LEFT = "SELECT EXISTS (SELECT FROM pgqueuer) AS are_some"


class Pgqueuer:
    def __init__(self, driver: Any, run: Callable[..., None]) -> None:
        self._driver = driver
        self._queries = Queries(driver)
        self._run = run

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, CHUNK_JOBS):
            some = min(CHUNK_JOBS, number - start)
            await self._queries.enqueue(["no_op"] * some, [None] * some, [0] * some)

    async def enqueue_one(self, scheduled: float) -> None:
        await self._queries.enqueue(["no_op"], [json.dumps(scheduled).encode()], [0])

    async def is_settled(self) -> bool:
        (row,) = await self._driver.fetch(LEFT)
        return not row["are_some"]

    async def work(self) -> None:
        async def no_op(job: Any) -> None:
            self._run(json.loads(job.payload) if job.payload else 0.0)

        queuer = PgQueuer(self._driver)
        queuer.entrypoint("no_op")(no_op)
        await queuer.run(batch_size=BATCH)


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Pgqueuer:
    if arguments.role == "worker":
        return Pgqueuer(AsyncpgDriver(await asyncpg.connect(arguments.postgres)), run)
    pool = await asyncpg.create_pool(arguments.postgres)
    peer = Pgqueuer(AsyncpgPoolDriver(pool), run)
    await Queries(AsyncpgPoolDriver(pool)).install()
    return peer


if __name__ == "__main__":
    main(opened)
