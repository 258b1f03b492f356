"""A job of an earlier version is applied, and its ledger row stays what its sender sent."""

from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs import codec
from jobs.codec import Request
from jobs.envelope import Job
from jobs.payloads.lifecycle import ReportProgress, StartTask
from tests.asking import Cast
from tests.engine import Engine


@pytest.fixture
async def task_id(engine: Engine, cast: Cast) -> UUID:
    """A task that a human works on."""
    started = uuid7()
    jobs = [cast.task(started), cast.by(cast.human, StartTask(task_id=started))]
    assert await engine.statuses(jobs) == ["applied"] * 2
    return started


def first_version(cast: Cast, task_id: UUID, percent: int = 40) -> dict[str, Any]:
    """The envelope of a report as producers of version 1 send it."""
    job = cast.by(cast.human, ReportProgress(task_id=task_id, percent=percent))
    asked = {"task_id": str(task_id), "progress": percent}
    envelope: dict[str, Any] = job.model_dump(mode="json", exclude_unset=True)
    return envelope | {"schema_version": 1, "payload": asked}


def read(envelope: dict[str, Any]) -> Request:
    return codec.read_envelope(envelope)


async def test_version_1_is_applied_and_recorded_as_it_was_sent(
    engine: Engine, cast: Cast, task_id: UUID
) -> None:
    sent = first_version(cast, task_id)

    statuses = await engine.statuses([read(sent)])

    assert statuses == ["applied"]
    assert (await engine.row("task", cast.tenant_id, task_id))["progress"] == 40
    assert (await engine.row("job", cast.tenant_id, sent["id"]))["envelope"] == sent


async def test_version_1_delivered_again_joins_its_own_ledger_row(
    engine: Engine, cast: Cast, task_id: UUID
) -> None:
    sent = first_version(cast, task_id)
    unversioned = {name: value for name, value in sent.items() if name != "schema_version"}

    first = await engine.outcomes([read(sent), read(sent)])
    again = await engine.outcomes([read(unversioned)])

    assert first[0] == first[1] == again[0]
    assert first[0]["status"] == "applied"
    assert await engine.count("event", cast.tenant_id, "kind = 'task.progressed'") == 1


async def test_a_recorded_version_1_is_settled_by_a_wake_up(
    engine: Engine, cast: Cast, task_id: UUID
) -> None:
    sent = first_version(cast, task_id)
    earlier = read(sent)
    assert isinstance(earlier, Job)
    await engine.record([earlier])

    outcomes = await engine.outcomes([read({name: sent[name] for name in ("tenant_id", "id")})])

    assert [outcome["status"] for outcome in outcomes] == ["applied"]
    row = await engine.row("job", cast.tenant_id, sent["id"])
    assert (row["status"], row["envelope"]) == ("applied", sent)


async def test_the_same_id_in_another_version_is_another_job(
    engine: Engine, cast: Cast, task_id: UUID
) -> None:
    sent = first_version(cast, task_id)
    asked = {"task_id": str(task_id), "percent": 40}
    newer = sent | {"schema_version": 2, "payload": asked}

    outcomes = await engine.outcomes([read(sent), read(newer)])

    assert [outcome["status"] for outcome in outcomes] == ["applied", "rejected"]
    assert outcomes[1]["code"] == "idempotency_conflict"


async def test_a_version_above_the_current_one_is_parked_in_the_ledger(
    engine: Engine, cast: Cast, task_id: UUID
) -> None:
    later = first_version(cast, task_id) | {"schema_version": 3}

    statuses = await engine.statuses([read(later)])

    assert statuses == ["kept"]
    row = await engine.row("job", cast.tenant_id, later["id"])
    assert (row["status"], row["envelope"]) == ("accepted", later)
