"""A producer's process: `python -m tests.history.producing` sends jobs until it is told to stop.

Its argument, as JSON: folder, name, seed, jobs a second, tenants, URLs. It says `ready` when its
people are there, and waits for a line on stdin before it sends the rest. SIGTERM ends it.
"""

import asyncio
import signal
import sys
from collections import deque
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from jobs.envelope import AnyJob
from jobs.producer import Handle
from tests.history.client import Client
from tests.history.recording import Recorder
from tests.history.stories import Crew

TICK_SECONDS = 0.1
LIVES_AT_ONCE = 60
MOST_RETRIES = 300
MOST_AWAITED = 20
REMEMBERED_JOBS = 500
SELDOM = 0.05


class Producing:
    """One tenant's producer. `seen`: what all of them have sent lately."""

    def __init__(self, crew: Crew, client: Client, seen: deque[AnyJob]) -> None:
        self._crew, self._client, self._seen = crew, client, seen
        self._random = crew.random
        self._lives: list[deque[AnyJob]] = []
        self._again: deque[list[AnyJob]] = deque(maxlen=MOST_RETRIES)
        self._recorded: deque[AnyJob] = deque(maxlen=REMEMBERED_JOBS)
        self._awaiting: set[asyncio.Task[None]] = set()

    async def settle_in(self) -> None:
        """The tenant's people and project are there."""
        jobs = self._crew.setting_up()
        await self._record(jobs)
        while await self._client.statuses(jobs) != {"applied"}:  # noqa: ASYNC110 - others make it so
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self, number: int) -> None:
        """About `number` jobs are sent, half of them by each way."""
        durable: list[AnyJob] = []
        fast: list[AnyJob] = []
        for job in (*self._next(number), *self._mischief()):
            self._random.choice((durable, fast)).append(job)
            self._seen.append(job)
        if self._again:
            await self._record(self._again.popleft())
        if durable:
            await self._record(durable)
        if fast:
            self._await_one(await self._client.enqueue(fast))
        await self._ask_and_contradict()

    async def end(self) -> None:
        for task in self._awaiting:
            task.cancel()
        await asyncio.gather(*self._awaiting, return_exceptions=True)

    def _next(self, number: int) -> list[AnyJob]:
        """The next step of some lives; unordered ones are far apart by then."""
        while len(self._lives) < LIVES_AT_ONCE:
            self._lives.append(deque(self._crew.life()))
        chosen = self._random.sample(self._lives, min(number, len(self._lives)))
        jobs = [life.popleft() for life in chosen]
        self._lives = [life for life in self._lives if life]
        return jobs

    def _mischief(self) -> list[AnyJob]:
        """What was sent before comes again; or we meddle with another tenant's tasks."""
        if not self._seen or self._random.random() < 0.3:
            return []
        job = self._random.choice(self._seen)
        if job.tenant_id == self._crew.tenant_id:
            return [job]
        return [self._crew.forged(job.payload.task_id)] if hasattr(job.payload, "task_id") else []

    async def _ask_and_contradict(self) -> None:
        if self._random.random() < SELDOM:
            await self._client.enqueue([self._crew.dispatch()], op="ephemeral")
        if self._recorded and self._random.random() < SELDOM:
            first = self._random.choice(self._recorded)
            await self._client.record([self._crew.another(first)], op="conflict")

    async def _record(self, jobs: list[AnyJob]) -> None:
        if await self._client.record(jobs) == "ok":
            self._recorded += jobs
        else:
            self._again.append(jobs)

    def _await_one(self, handles: list[Handle]) -> None:
        if handles and len(self._awaiting) < MOST_AWAITED:
            task = asyncio.create_task(self._client.await_outcome(handles[0]))
            self._awaiting.add(task)
            task.add_done_callback(self._awaiting.discard)


async def produce(asked: dict[str, Any], recorder: Recorder) -> None:
    """Returns when it was told to stop; what it was about to do is done, and recorded."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    seen: deque[AnyJob] = deque(maxlen=REMEMBERED_JOBS)
    async with AsyncExitStack() as stack:
        producing = []
        for tenant in asked["tenants"]:
            postgres, redis = asked["urls"]
            client = await stack.enter_async_context(Client(postgres, redis, recorder))
            crew = Crew(UUID(tenant), Random(f"{asked['seed']} {tenant}"))  # noqa: S311 - a load
            producing.append(Producing(crew, client, seen))
        for one in producing:
            await one.settle_in()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        rates = [asked["rate"] / len(producing)] * len(producing)
        await asyncio.gather(*map(_keep_on, producing, rates, [stopping] * len(producing)))
        for one in producing:
            await one.end()


async def _keep_on(producing: Producing, rate: float, stopping: asyncio.Event) -> None:
    clock = asyncio.get_running_loop().time
    due = clock()
    while not stopping.is_set():
        await producing.tick(max(1, round(rate * TICK_SECONDS)))
        due = max(due + TICK_SECONDS, clock() - 1.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - clock())):
                await stopping.wait()


if __name__ == "__main__":
    given = from_json(sys.argv[1])
    with Recorder(Path(given["folder"]), given["name"]) as opened:
        asyncio.run(produce(given, opened))
