"""awa on PostgreSQL, a Rust core: COPY into its queue storage."""

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from awa import AsyncClient  # type: ignore[import-not-found]  # only in this peer's environment

from benchmarks.peers.contract import main

QUEUE = "bench"
MAX_WORKERS = 1000
CLAIMERS = 1
CLAIMED = 512
CONNECTIONS = 20
CHUNK_JOBS = 1_000


@dataclass
class NoOp:
    scheduled: float = 0.0


class Awa:
    def __init__(self, client: Any, run: Callable[..., None]) -> None:
        self._client = client
        self._run = run

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, CHUNK_JOBS):
            some = [NoOp() for _ in range(min(CHUNK_JOBS, number - start))]
            await self._client.enqueue_many_copy(some, queue=QUEUE)

    async def enqueue_one(self, scheduled: float) -> None:
        await self._client.insert(NoOp(scheduled), queue=QUEUE)

    async def is_settled(self) -> bool:
        # Its own statistics take seconds, and what it writes is rotated away: the clock stops in
        # its favour when the last job has run, some 40 ms before the acknowledgement.
        return True

    async def work(self) -> None:
        async def no_op(job: Any) -> None:
            self._run(job.args.scheduled)

        self._client.task(NoOp, queue=QUEUE)(no_op)
        await self._client.start(
            [
                {
                    "name": QUEUE,
                    "max_workers": MAX_WORKERS,
                    "claimers": CLAIMERS,
                    "claim_batch_size": CLAIMED,
                }
            ]
        )
        await asyncio.Event().wait()  # its loops are threads of its own


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Awa:
    url = arguments.postgres.replace("@/", "@localhost/")  # its socket's folder overrides the host
    client = AsyncClient(url, max_connections=CONNECTIONS)
    if arguments.role == "driver":
        await client.migrate()
    return Awa(client, run)


if __name__ == "__main__":
    main(opened)
