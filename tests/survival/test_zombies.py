"""Who was stopped for too long goes on as if nothing had happened: nothing of his is accepted."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import MIN_LEASE_SECONDS, ClaimTask
from jobs.payloads.project import AddMember
from jobs.payloads.worker import RegisterWorker
from ops.checkout import CHECKOUT
from ops.verify.run import verify
from tests.databases import Database
from tests.rogues import occupy, waits_in_transaction
from tests.survival.processes import end, worker_process
from tests.waiting import until
from tests.workers import Scene

ZOMBIE_WRITES = 10_000
TASKS = 50
JOBS = 100
LONG_SECONDS = 3600
"""Longer than ten thousand writes take."""


@pytest.mark.timeout(300)
async def test_of_ten_thousand_zombie_writes_none_is_accepted(
    scene: Scene, database: Database
) -> None:
    """An agent's process is stopped past its leases; others have its tasks when it wakes up."""
    tasks, other = [uuid7() for _ in range(TASKS)], await _another_agent(scene)
    await scene.engine.statuses([scene.cast.task(task_id) for task_id in tasks])
    async with worker_process(scene.settings), _agent(scene, tasks) as agent:
        assert await _said(agent) == b"holds\n"
        agent.send_signal(signal.SIGSTOP)
        await until(lambda: _are_free(scene))
        anew = [ClaimTask(task_id=task_id, lease_seconds=LONG_SECONDS) for task_id in tasks]
        claims = [scene.cast.by(other, claim) for claim in anew]
        assert await scene.engine.statuses(claims) == ["applied"] * TASKS
        before = await _rows(scene)

        assert agent.stdin is not None
        agent.stdin.write(b"\n")
        agent.send_signal(signal.SIGCONT)
        told = from_json(await _said(agent))

    assert sum(told.values()) == ZOMBIE_WRITES
    assert told.keys() <= {"rejected lease_lost", "rejected leased_to_other"}
    assert await _rows(scene) == before
    assert (await verify(database.engine("reader"))).violations == []


async def test_a_worker_that_was_stopped_in_its_batch_changes_nothing_when_it_goes_on(
    scene: Scene, database: Database
) -> None:
    """It is stopped with rows written, and woken when all is settled by another."""
    scene.settings = scene.settings.model_copy(update={"hold_seconds": 0.5})
    jobs: list[AnyJob] = [scene.cast.task() for _ in range(JOBS)]
    async with worker_process(scene.settings) as zombie:
        async with scene.engine.superuser.connect() as rogue:
            await occupy(rogue, jobs[-1])
            await scene.producer.enqueue_many(jobs)
            await until(lambda: waits_in_transaction(scene), seconds=30)
            zombie.send_signal(signal.SIGSTOP)
            await rogue.rollback()
        async with worker_process(scene.settings) as other:
            await until(lambda: _are_settled(scene), seconds=60)
            settled = await _ledger(scene)
            assert await end(other, signal.SIGTERM) == 0

        zombie.send_signal(signal.SIGCONT)
        last = await scene.producer.enqueue(scene.cast.task())
        assert (await last.outcome(60))["status"] == "applied"
        assert await end(zombie, signal.SIGTERM) == 0

    assert await _ledger(scene, but=last.job.id) == settled
    created = "kind = 'task.created'"
    assert await scene.engine.count("event", scene.cast.tenant_id, created) == JOBS + 1
    assert await scene.keys() == set()
    assert (await verify(database.engine("reader"))).violations == []


@asynccontextmanager
async def _agent(scene: Scene, tasks: Sequence[UUID]) -> AsyncIterator[Process]:
    asked = {
        "redis_url": scene.settings.resolved_redis_url.get_secret_value(),
        "queue": scene.settings.queue_name,
        "tenant_id": scene.cast.tenant_id,
        "agent_id": scene.cast.agent,
        "task_ids": tasks,
        "reports": ZOMBIE_WRITES,
        "lease_seconds": MIN_LEASE_SECONDS,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.survival.agent", to_json(asked).decode()),
        cwd=CHECKOUT,
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        yield process
    finally:
        await end(process, signal.SIGKILL)


async def _said(process: Process) -> bytes:
    assert process.stdout is not None
    return await asyncio.wait_for(process.stdout.readline(), timeout=120)


async def _another_agent(scene: Scene) -> UUID:
    agent = uuid7()
    register = RegisterWorker(
        worker_id=agent, handle=f"@{agent.hex}", name="Robot", kind=WorkerKind.AGENT, agent_type="b"
    )
    join = AddMember(project_id=scene.cast.project_id, worker_id=agent)
    jobs = [scene.cast.by(None, register), scene.cast.by(scene.cast.owner, join)]
    assert await scene.engine.statuses(jobs) == ["applied"] * 2
    return agent


async def _are_free(scene: Scene) -> bool:
    """All their leases have ended, by the database's clock, and were taken from them."""
    expired = await scene.engine.count("event", scene.cast.tenant_id, "kind = 'task.lease_expired'")
    return expired == TASKS


async def _rows(scene: Scene) -> list[dict[str, Any]]:
    """Tasks, who holds them, and how much has happened to them."""
    return await scene.engine.execute(
        "SELECT t.*, l.token, l.holder_id, l.expires_at, (SELECT count(*) FROM taskrail.event e"
        " WHERE e.tenant_id = t.tenant_id AND e.entity_id = t.id) AS events"
        " FROM taskrail.task t JOIN taskrail.lease l ON l.tenant_id = t.tenant_id"
        " AND l.task_id = t.id ORDER BY t.id"
    )


async def _are_settled(scene: Scene) -> bool:
    return await scene.engine.count("task", scene.cast.tenant_id) == JOBS


async def _ledger(scene: Scene, but: UUID | None = None) -> list[dict[str, Any]]:
    return await scene.engine.execute(
        "SELECT * FROM taskrail.job WHERE id IS DISTINCT FROM :but ORDER BY id", but=but
    )
