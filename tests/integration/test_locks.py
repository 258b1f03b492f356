"""Rows that somebody else holds for long: who needs them pays, and pays once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from db.engine import create_engine
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Apply, Engine
from tests.waiting import Signals
from worker.apply import MAX_HAND_BACKS, apply
from worker.signals import ConflictRetried

LOCK_TIMEOUT_MS = 50
ROUNDS = 5
DEADLOCK = "40P01"


@pytest.fixture
async def engine(engine: Engine, database: Database) -> AsyncIterator[Engine]:
    """Waits for locks, but not for long."""
    settings = database.settings.model_copy(update={"lock_timeout_ms": LOCK_TIMEOUT_MS})
    impatient = create_engine(settings, "worker")
    engine.runtime = replace(engine.runtime, engine=impatient)
    yield engine
    await impatient.dispose()


@asynccontextmanager
async def locked(superuser: AsyncEngine, table: str, *ids: UUID) -> AsyncIterator[None]:
    names = ", ".join(f"'{row_id}'" for row_id in ids)
    async with superuser.begin() as rogue:
        await rogue.exec_driver_sql(
            f"SELECT 1 FROM taskrail.{table} WHERE id IN ({names}) FOR UPDATE"  # noqa: S608
        )
        yield


def waits(signals: Signals) -> int:
    retried = (signal for signal in signals if isinstance(signal, ConflictRetried))
    return sum(signal.sqlstate == "55P03" for signal in retried)


async def test_a_row_that_stays_locked_is_waited_for_once_together_and_once_alone(
    engine: Engine, cast: Cast, signals: Signals
) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id)])
    claim = cast.by(cast.agent, ClaimTask(task_id=task_id))

    async with locked(engine.superuser, "worker", cast.agent):
        statuses = await engine.statuses([cast.task(), claim, cast.task()])

    assert statuses == ["applied", "handedback", "applied"]
    assert waits(signals) <= 2


async def test_one_job_of_a_batch_waits_for_locked_tasks_and_no_more(
    engine: Engine, engine_form: Apply, cast: Cast, signals: Signals
) -> None:
    tasks = [uuid7() for _ in range(4)]
    await engine.statuses([cast.task(task_id) for task_id in tasks])
    comments = [
        cast.by(cast.human, CommentTask(task_id=task_id, comment_id=uuid7(), body="Hm"))
        for task_id in tasks
    ]

    async with locked(engine.superuser, "task", *tasks):
        for _ in range(MAX_HAND_BACKS):
            assert await engine.statuses(comments) == ["handedback"] * 4
        assert waits(signals) == 0
        assert await engine.statuses([*comments, cast.task()]) == ["handedback"] * 4 + ["applied"]

    batches = 1 if engine_form is apply else len(comments)
    assert waits(signals) == batches
    assert await engine.statuses(comments) == ["applied"] * 4


async def test_two_batches_in_opposite_order_never_wait_in_a_circle(
    engine: Engine, cast: Cast, signals: Signals
) -> None:
    tasks = [uuid7() for _ in range(20)]
    await engine.statuses([cast.task(task_id) for task_id in tasks])

    for _ in range(ROUNDS):
        there, back = ([comment(cast, one) for one in order] for order in (tasks, tasks[::-1]))
        await asyncio.gather(engine.statuses(there), engine.statuses(back))
        assert set(await engine.statuses([*there, *back])) == {"applied"}

    conflicts = [signal for signal in signals if isinstance(signal, ConflictRetried)]
    assert DEADLOCK not in {conflict.sqlstate for conflict in conflicts}


def comment(cast: Cast, task_id: UUID) -> AnyJob:
    return cast.by(cast.human, CommentTask(task_id=task_id, comment_id=uuid7(), body="Good"))


async def test_hand_backs_are_not_remembered_for_ever(
    engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that was handed back may be settled by another worker: nobody tells us."""
    monkeypatch.setattr("worker.apply.MAX_REMEMBERED", 3)
    task_id = uuid7()
    await engine.statuses([cast.task(task_id)])
    comments = [
        cast.by(cast.human, CommentTask(task_id=task_id, comment_id=uuid7(), body="Hm"))
        for _ in range(9)
    ]

    async with locked(engine.superuser, "task", task_id):
        assert await engine.statuses(comments) == ["handedback"] * 9

    assert len(engine.runtime.hand_backs) <= 3
