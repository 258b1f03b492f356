"""Procrastinate on PostgreSQL: batch defer, finished jobs deleted."""

import argparse
import logging
from collections.abc import Callable

from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found]  # only in this peer's environment

from benchmarks.peers.contract import main

CONCURRENCY = 20
CONNECTIONS = 20
CHUNK_JOBS = 1_000
LEFT = "SELECT EXISTS (SELECT FROM procrastinate_jobs) AS are_some"


class Procrastinate:
    def __init__(self, app: App, run: Callable[..., None]) -> None:
        async def no_op(scheduled: float = 0.0) -> None:
            run(scheduled)

        self._app = app
        self._no_op = app.task(name="no_op")(no_op)

    async def enqueue(self, number: int) -> None:
        for start in range(0, number, CHUNK_JOBS):
            some = range(min(CHUNK_JOBS, number - start))
            await self._no_op.batch_defer_async(*({} for _ in some))

    async def enqueue_one(self, scheduled: float) -> None:
        await self._no_op.defer_async(scheduled=scheduled)

    async def is_settled(self) -> bool:
        row = await self._app.connector.execute_query_one_async(LEFT)
        return not row["are_some"]

    async def work(self) -> None:
        await self._app.run_worker_async(
            concurrency=CONCURRENCY,
            delete_jobs="always",
            install_signal_handlers=False,
        )


async def opened(arguments: argparse.Namespace, run: Callable[..., None]) -> Procrastinate:
    logging.getLogger("procrastinate").setLevel("ERROR")  # it warns of apps in scripts
    connector = PsycopgConnector(conninfo=arguments.postgres, min_size=2, max_size=CONNECTIONS)
    app = App(connector=connector)
    await app.open_async()
    if arguments.role == "driver":
        await app.schema_manager.apply_schema_async()
    return Procrastinate(app, run)


if __name__ == "__main__":
    main(opened)
