"""What a worker asks of its servers, counted in runs of their own that no clock is on.

Round trips are counted by a socket between the worker and Redis, in whatever connections, the
renewing thread's and the bell's included. A batch is a transaction that wrote ledger rows; a lone
job is sent when the outcome of the one before is known, so that each is a batch of one. Commits
are PostgreSQL's own count for the database over the whole life of the worker process: its start
and its loops are in it, and the few reads of the benchmark, so it is an upper bound.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from benchmarks.driving import WARMING_JOBS, Driver
from benchmarks.processes import WORKER, leading_to, running
from benchmarks.stage import Stage
from benchmarks.trips import Trips, counted

BATCHES = "SELECT count(DISTINCT xmin::text) FROM taskrail.job WHERE settled_at > $1"
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
LONE_JOBS = 120


async def costs(stage: Stage, driver: Driver, jobs: int) -> dict[str, float]:
    """redis_round_trips_per_batch, commits_per_job, redis_round_trips_of_a_lone_job.

    Each of one worker process.
    """
    under_load = await _under_load(stage, driver, jobs)
    return under_load | {"redis_round_trips_of_a_lone_job": await _of_a_lone_job(stage, driver)}


async def _under_load(stage: Stage, driver: Driver, jobs: int) -> dict[str, float]:
    commits = await driver.postgres.fetchval(COMMITS)
    async with _counted_worker(stage, driver) as trips:
        started: datetime = await driver.postgres.fetchval("SELECT clock_timestamp()")
        before = trips.number
        stream = stage.workload.stream(jobs)
        await driver.rate(stream, ordered=True)
        made = trips.number - before
    batches = await driver.postgres.fetchval(BATCHES, started)
    commits = await driver.postgres.fetchval(COMMITS) - commits
    return {
        "redis_round_trips_per_batch": round(made / batches, 2),
        "commits_per_job": round(commits / len(stream), 4),
    }


async def _of_a_lone_job(stage: Stage, driver: Driver) -> float:
    jobs = stage.workload.stream(LONE_JOBS)
    async with _counted_worker(stage, driver) as trips:
        before = trips.number
        for job in jobs:
            await (await driver.producer.enqueue(job)).outcome()
        return round((trips.number - before) / len(jobs), 2)


@asynccontextmanager
async def _counted_worker(stage: Stage, driver: Driver) -> AsyncIterator[Trips]:
    """A worker process that is warm, and whose round trips are counted."""
    socket = stage.settings.resolved_redis_url.get_secret_value().removeprefix("unix://")
    async with counted(socket) as (path, trips):
        environment = leading_to(stage.settings) | {"TASKRAIL_REDIS_URL": f"unix://{path}"}
        async with running(WORKER, environment):
            await driver.rate(stage.workload.stream(WARMING_JOBS), ordered=True)
            yield trips
