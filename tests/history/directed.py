"""A short history with a known end: what mutants and crash points are tried on."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, ReportProgress
from jobs.payloads.task import CommentTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job
from tests.history.checker import check
from tests.history.facts import Violation
from tests.history.reading import IS_UNFINISHED, LEFT_OVER
from tests.history.recording import Recorder, content_hash, read_history
from tests.history.streams import note_published
from tests.workers import Scene

LIVES = 12
LOOK_SECONDS, CLOSING_SECONDS = 0.01, 30.0


IMPATIENT = {
    "hold_seconds": 0.5,
    "sweeper_seconds": 0.2,
    "missing_row_grace_seconds": 0.5,
    "lock_timeout_ms": 200,
    "statement_timeout_ms": 500,
    "command_timeout_seconds": 1.0,
}


@dataclass(slots=True)
class Directed:
    """One scene whose history is recorded."""

    scene: Scene
    folder: Path
    recorder: Recorder

    def lives(self) -> list[AnyJob]:
        """Whole lives of some tasks, step by step."""
        tasks = [uuid7() for _ in range(LIVES)]
        by, agent = self.scene.cast.by, self.scene.cast.agent
        return [
            *(self.scene.cast.task(task) for task in tasks),
            *(by(agent, ClaimTask(task_id=task)) for task in tasks),
            *(by(agent, ReportProgress(task_id=task, percent=40, token=1)) for task in tasks),
            *(by(agent, CommentTask(task_id=t, comment_id=uuid7(), body="So far.")) for t in tasks),
            *(by(agent, CompleteTask(task_id=task, token=1)) for task in tasks[1:]),
        ]

    async def enqueue(self, jobs: Sequence[AnyJob]) -> None:
        invoked = time.monotonic_ns()
        handles = await self.scene.producer.enqueue_many(jobs)
        self._note("enqueue", [handle.job for handle in handles], invoked)

    async def record(self, jobs: Sequence[AnyJob]) -> None:
        invoked = time.monotonic_ns()
        await self.scene.engine.record(jobs)
        self._note("record", jobs, invoked)

    async def drained(self, seconds: float) -> bool:
        """Whether nothing waited to be settled or published any more within this time."""
        invoked, is_drained = time.monotonic_ns(), False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (is_drained := await self.is_empty()):  # noqa: ASYNC110 - others make it so
                    await asyncio.sleep(LOOK_SECONDS)
        self.recorder.drained(invoked, is_ok=is_drained)
        return is_drained

    async def violations(self) -> list[Violation]:
        tenants = await self.scene.engine.execute("SELECT id FROM taskrail.tenant")
        await note_published(self.scene.redis, [row["id"] for row in tenants], self.recorder)
        url = self.scene.settings.resolved_database_url.get_secret_value()
        connection = await asyncpg.connect(url)
        try:
            # What a killed process had begun is rolled back a moment later.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    while await connection.fetch(LEFT_OVER):  # noqa: ASYNC110 - nobody tells
                        await asyncio.sleep(LOOK_SECONDS)
            return await check(read_history(self.folder), connection)
        finally:
            await connection.close()

    async def is_empty(self) -> bool:
        (row,) = await self.scene.engine.execute(IS_UNFINISHED)
        return await self.queue_is_empty() and not row["is_unfinished"]

    async def queue_is_empty(self) -> bool:
        return not await self.scene.redis.zcard(self.scene.settings.queue_name)

    def _note(self, op: str, jobs: Sequence[AnyJob], invoked: int) -> None:
        for job in jobs:
            envelope: dict[str, Any] = job.model_dump(mode="json", exclude_unset=True)
            sent = {str(job.id): content_hash(envelope)}
            self.recorder.operation(op, "ok", invoked, tenant=envelope["tenant_id"], jobs=sent)


@pytest.fixture
def directed(scene: Scene, tmp_path: Path) -> Iterator[Directed]:
    """Workers of this scene have little patience."""
    scene.settings = scene.settings.model_copy(update=IMPATIENT)
    with Recorder(tmp_path, "directed") as recorder:
        yield Directed(scene, tmp_path, recorder)


async def other_tenants_job(directed: Directed, task: AnyJob) -> AnyJob:
    """Another tenant's completion of this task, in the name of its owner."""
    tenant_id, scene = uuid7(), directed.scene
    await scene.engine.create_tenant(tenant_id)
    register = RegisterWorker(
        worker_id=uuid7(), handle="@stranger", name="Eve", kind=WorkerKind.HUMAN
    )
    await scene.engine.apply([new_job(register, tenant_id)])
    return new_job(CompleteTask(task_id=task.payload.task_id), tenant_id, scene.cast.owner)
