"""What commits while a batch is being read: nobody is refused for what the batch saw too early."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from db.engine import create_engine
from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask, DispatchTasks, ReportProgress
from jobs.payloads.project import AddMember
from jobs.payloads.task import CommentTask
from jobs.payloads.worker import RegisterWorker
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.rogues import PATIENT
from tests.waiting import Signals, until
from worker.deliveries import Deferred, Disposition, Settled
from worker.signals import ConflictRetried

WAITING = """
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def engine(engine: Engine, database: Database) -> AsyncIterator[Engine]:
    """Waits for locks as long as it takes."""
    settings = database.settings.model_copy(update=PATIENT)
    patient = create_engine(settings, "worker")
    engine.runtime = replace(engine.runtime, engine=patient)
    yield engine
    await patient.dispose()


async def read_around(
    engine: Engine, locked: str, batch: Sequence[AnyJob], meanwhile: AnyJob
) -> list[Disposition]:
    """The batch waits for the row that `locked` selects, while `meanwhile` is applied."""

    async def is_waiting() -> list[dict[str, Any]]:
        return await engine.execute(WAITING)

    async with engine.superuser.begin() as rogue:
        await rogue.exec_driver_sql(locked)
        applying = asyncio.create_task(engine.apply(batch))
        await until(is_waiting)
        assert await engine.statuses([meanwhile]) == ["applied"]
    return await applying


def not_refused(disposition: Disposition) -> bool:
    applied = isinstance(disposition, Settled) and disposition.outcome.status == "applied"
    return applied or isinstance(disposition, Deferred)


async def test_a_task_that_is_born_while_a_batch_reads_is_missing_not_foreign(
    engine: Engine, cast: Cast, signals: Signals
) -> None:
    born = uuid7()
    dispatch = cast.by(cast.agent, DispatchTasks())
    comment = cast.by(cast.human, CommentTask(task_id=born, comment_id=uuid7(), body="Welcome"))

    dispositions = await read_around(
        engine,
        f"SELECT 1 FROM taskrail.worker WHERE id = '{cast.agent}' FOR UPDATE",  # noqa: S608
        [dispatch, comment],
        cast.task(born),
    )

    assert not_refused(dispositions[1]), dispositions[1]
    assert not [signal for signal in signals if isinstance(signal, ConflictRetried)]


async def test_who_waited_for_a_job_sees_what_it_did(
    engine: Engine, cast: Cast, signals: Signals
) -> None:
    leased, newcomer = uuid7(), uuid7()
    new = RegisterWorker(worker_id=newcomer, handle="@newcomer", name="Eve", kind=WorkerKind.HUMAN)
    claim = cast.by(cast.agent, ClaimTask(task_id=leased))
    await engine.statuses([cast.task(leased), claim, cast.by(None, new)])
    joining = cast.by(cast.owner, AddMember(project_id=cast.project_id, worker_id=newcomer))
    report = cast.by(cast.agent, ReportProgress(task_id=leased, percent=5, token=1))
    remark = CommentTask(task_id=leased, comment_id=uuid7(), body="I am new here")
    after = cast.by(newcomer, remark, after=[joining.id])

    dispositions = await read_around(
        engine,
        f"SELECT 1 FROM taskrail.lease WHERE task_id = '{leased}' FOR UPDATE",  # noqa: S608
        [report, after],
        joining,
    )

    assert not_refused(dispositions[1]), dispositions[1]
    assert not [signal for signal in signals if isinstance(signal, ConflictRetried)]
