"""The checker over a real database: silent about what the product did, loud about tampering."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, ReportProgress, StartTask
from jobs.payloads.task import CommentTask
from ops.checkout import CHECKOUT
from tests.history.checker import check
from tests.history.recording import (
    Fault,
    History,
    Recorder,
    content_hash,
    outcome_hash,
    read_history,
)
from tests.history.second_opinion import second_opinion
from tests.history.streams import note_published
from tests.shell import Shell
from tests.workers import Scene
from worker.consumer import Consumer

INSIDE = ("worker", "db", "jobs.rules", "sqlalchemy")
JOB, TASK = "UPDATE taskrail.job SET", "UPDATE taskrail.task SET"
TAMPERING = {
    "I1": "DELETE FROM taskrail.job WHERE kind = 'task.comment'",
    "I2": f"{JOB} outcome = '{{}}' WHERE kind = 'task.comment'",
    "I3": f"{JOB} events = 2 WHERE kind = 'task.claim' AND status = 'applied'",
    "I4": f"{TASK} status = 'cancelled', completed_at = NULL",
    "I5": f"{TASK} version = version + 1",
    "I6": f"{TASK} title = 'Another'",
    "I7": "UPDATE taskrail.project SET task_count = task_count + 1",
    "I8": "INSERT INTO taskrail.outbox (tenant_id, entity_id, seq)"
    " SELECT tenant_id, entity_id, 99 FROM taskrail.event",
    "I9": f"{JOB} tenant_id = (SELECT id FROM taskrail.tenant WHERE slug = 'demo')",  # noqa: S608 - constants
    "I11": f"{JOB} envelope = jsonb_set(envelope, '{{payload,token}}', '9')",
    "I12": f"{JOB} outcome = outcome || '{{\"more\": 1}}' WHERE kind = 'task.comment'",
    "I13": f"{JOB} outcome = outcome || '{{\"code\": \"invalid\"}}' WHERE status = 'rejected'",
    "I15": f"{JOB} settled_at = settled_at + interval '1 hour' WHERE kind = 'task.claim'",
}


@pytest.fixture
async def superuser(scene: Scene) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(scene.settings.resolved_database_url.get_secret_value())
    yield connection
    await connection.close()


async def test_what_the_product_did_violates_nothing(
    scene: Scene, superuser: Any, tmp_path: Path
) -> None:
    history = await _a_little_history(scene, tmp_path)

    assert await check(history, superuser) == []


async def test_tampering_with_the_database_is_found(
    scene: Scene, superuser: Any, tmp_path: Path
) -> None:
    history = await _a_little_history(scene, tmp_path)

    found = {name: await _found(history, superuser, sql) for name, sql in TAMPERING.items()}

    assert {name for name, violated in found.items() if name not in violated} == set()


async def test_the_second_opinion_says_what_verify_finds(
    scene: Scene, superuser: Any, shell: Shell, tmp_path: Path
) -> None:
    await _a_little_history(scene, tmp_path)
    sound = await second_opinion(shell.environment)
    await superuser.execute(TAMPERING["I6"])

    assert sound == []
    assert {one.invariant for one in await second_opinion(shell.environment)} == {"verify"}


async def test_without_a_database_there_is_no_second_opinion(shell: Shell) -> None:
    away = {"TASKRAIL_DATABASE_URL": "postgresql://postgres@127.0.0.1:1/taskrail"}

    (said,) = await second_opinion(shell.environment | away)

    assert "ended with 1" in said.detail


async def test_a_transaction_that_is_left_open_is_found(scene: Scene, superuser: Any) -> None:
    async with scene.engine.superuser.connect() as forgotten:
        await forgotten.exec_driver_sql("SELECT pg_advisory_lock(1)")

        violations = await check(History(), superuser)

    assert {(one.invariant, one.subject) for one in violations} >= {("I16", "postgres")}


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    fault = Fault("redis_flushed", "all", 1, 2, 1.5, 2.5, lost=["a"])
    with Recorder(tmp_path, "nemesis") as nemesis, Recorder(tmp_path, "producer") as producer:
        producer.operation("record", "info", 7, tenant="t", jobs={"a": "hash"})
        nemesis.fault(fault)
        producer.operation("enqueue", "ok", 3, tenant="t", jobs={"b": "hash"})

    history = read_history(tmp_path)

    assert [operation.op for operation in history.operations] == ["enqueue", "record"]
    assert history.operations[1].returned_ns > history.operations[1].invoked_ns
    assert history.faults == [fault]


def test_the_checker_knows_nothing_of_the_product() -> None:
    asked = f"import sys, tests.history.checker; print([n for n in {INSIDE} if n in sys.modules])"

    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "[]"


async def _found(history: History, superuser: Any, tampering: str) -> set[str]:
    """The invariants that are violated by it; afterwards all is as it was."""
    transaction = superuser.transaction(isolation="repeatable_read")
    await transaction.start()
    await superuser.execute(tampering)
    violations = await check(history, superuser)
    await transaction.rollback()
    return {violation.invariant for violation in violations}


async def _a_little_history(scene: Scene, folder: Path) -> History:
    """One task's life and a claim that comes too late, by the consumer; outcomes are awaited."""
    with Recorder(folder, "producer") as recorder:
        invoked = time.monotonic_ns()
        handles = await scene.producer.enqueue_many(_life(scene))
        await scene.drain(Consumer)
        for handle in handles:
            envelope = handle.job.model_dump(mode="json", exclude_unset=True)
            job = {str(handle.job.id): content_hash(envelope)}
            recorder.operation("enqueue", "ok", invoked, tenant=envelope["tenant_id"], jobs=job)
            outcome = await handle.outcome()
            told = {"status": outcome["status"], "hash": outcome_hash(outcome)}
            recorder.operation(
                "outcome", "ok", invoked, tenant=envelope["tenant_id"], jobs=job, value=told
            )
        await note_published(scene.redis, [scene.cast.tenant_id], recorder)
    return read_history(folder)


def _life(scene: Scene) -> list[AnyJob]:
    task_id, agent = uuid7(), scene.cast.agent
    return [
        scene.cast.task(task_id),
        scene.cast.by(agent, ClaimTask(task_id=task_id)),
        scene.cast.by(agent, ReportProgress(task_id=task_id, percent=40, token=1)),
        scene.cast.by(agent, CommentTask(task_id=task_id, comment_id=uuid7(), body="Half way.")),
        scene.cast.by(agent, CompleteTask(task_id=task_id, token=1)),
        scene.cast.by(scene.cast.human, StartTask(task_id=task_id)),
    ]
