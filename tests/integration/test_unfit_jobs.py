"""Jobs that are broken, unknown, late or nobody's: each ends somewhere, none takes others along."""

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from jobs.codec import InvalidJob, Poison, Reference, UnknownJob
from jobs.envelope import AnyJob
from jobs.ids import derived_id
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.engine import Engine
from worker.deliveries import Kept, Settled


async def test_a_wake_up_applies_what_the_ledger_recorded(engine: Engine, cast: Cast) -> None:
    job = cast.task()
    await engine.record([job])

    statuses = await engine.statuses([Reference(cast.tenant_id, job.id)])

    assert statuses == ["applied"]
    assert await engine.count("task", cast.tenant_id) == 1


async def test_a_recorded_job_that_cannot_be_read_is_rejected_under_its_id(
    engine: Engine, cast: Cast
) -> None:
    job = cast.task()
    await engine.record([job])
    await engine.execute(
        "UPDATE taskrail.job SET envelope = jsonb_set(envelope, '{payload,attributes}',"
        " '{\"n\": 123456789012345678901234567890}') WHERE id = :id",
        id=job.id,
    )

    outcome = (await engine.outcomes([Reference(cast.tenant_id, job.id)]))[0]

    assert (outcome["job_id"], outcome["code"]) == (str(job.id), "invalid")


async def test_a_wake_up_for_nothing_is_forgotten(engine: Engine, cast: Cast) -> None:
    dispositions = await engine.apply([Reference(cast.tenant_id, uuid7())])

    assert [type(disposition) for disposition in dispositions] == [Kept]


async def test_an_invalid_payload_is_rejected_in_the_ledger(engine: Engine, cast: Cast) -> None:
    envelope = {"kind": "task.create", "payload": {}}
    broken = InvalidJob(cast.tenant_id, uuid7(), "task.create", envelope, "payload.title: missing")

    outcome = (await engine.outcomes([broken]))[0]

    assert (outcome["code"], outcome["message"]) == ("invalid", "payload.title: missing")
    assert await engine.count("job", cast.tenant_id, "status = 'rejected'") == 1


async def test_an_unknown_kind_is_parked_not_lost(engine: Engine, cast: Cast) -> None:
    newer = UnknownJob(cast.tenant_id, uuid7(), "task.levitate", {"kind": "task.levitate"})

    dispositions = await engine.apply([newer])

    assert [type(disposition) for disposition in dispositions] == [Kept]
    assert await engine.count("job", cast.tenant_id, "status = 'accepted'") == 1


async def test_what_is_parked_expires_when_it_says(engine: Engine, cast: Cast) -> None:
    job = cast.task()
    novelty = {"kind": "task.levitate", "expires_at": "2099-01-01T00:00:00Z"}
    envelope = job.model_dump(mode="json", exclude_unset=True) | novelty
    newer = UnknownJob(cast.tenant_id, job.id, "task.levitate", envelope)
    early = await engine.statuses([newer])
    await engine.execute(
        """UPDATE taskrail.job SET envelope = envelope || '{"expires_at": "2026-01-01T00:00:00Z"}'
        WHERE id = :id""",
        id=newer.id,
    )

    outcome = (await engine.outcomes([Reference(cast.tenant_id, newer.id)]))[0]

    assert early == ["kept"]
    assert (outcome["status"], outcome["code"]) == ("rejected", "expired")
    row = await engine.row("job", cast.tenant_id, newer.id)
    assert (row["status"], row["fingerprint"]) == ("rejected", None)


@pytest.mark.parametrize("expires_at", [None, "soon", 1_700_000_000, {}, "2001-01-01T00:00:00"])
async def test_what_is_no_time_lets_nothing_expire(
    engine: Engine, cast: Cast, expires_at: object
) -> None:
    envelope = {"kind": "task.levitate", "expires_at": expires_at}

    statuses = await engine.statuses(
        [UnknownJob(cast.tenant_id, uuid7(), "task.levitate", envelope)]
    )

    assert statuses == ["kept"]


async def test_unreadable_bytes_are_kept_as_they_came(engine: Engine, cast: Cast) -> None:
    poison = Poison(b"\x80\x04 not ours", "unreadable", "not JSON")

    statuses = await engine.statuses([cast.task(), poison, cast.task()])

    assert statuses == ["applied", "kept", "applied"]
    letter = await engine.last_dead_letter()
    assert (letter["raw"], letter["reason"]) == (b"\x80\x04 not ours", "unreadable")


async def test_a_job_of_an_unknown_tenant_is_a_dead_letter(engine: Engine, cast: Cast) -> None:
    nobody = Cast()

    dispositions = await engine.apply([nobody.task(), cast.task()])

    assert [type(disposition) for disposition in dispositions] == [Kept, Settled]
    assert (await engine.last_dead_letter())["reason"] == "unknown_tenant"


async def test_a_job_that_breaks_at_save_costs_only_itself(engine: Engine, cast: Cast) -> None:
    """Two comments with one id: the rules cannot know, the database refuses."""
    task_id, comment_id = uuid7(), uuid7()
    await engine.statuses([cast.task(task_id)])
    comment = CommentTask(task_id=task_id, comment_id=comment_id, body="Good")
    await engine.statuses([cast.by(cast.human, comment)])
    jobs: list[AnyJob] = [cast.task() for _ in range(9)]

    outcomes = await engine.outcomes([*jobs[:4], cast.by(cast.owner, comment), *jobs[4:]])

    assert [outcome["status"] for outcome in outcomes].count("applied") == 9
    assert outcomes[4]["code"] == "already_exists"


async def test_a_rule_that_breaks_buries_its_job_only(
    engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("by a bug of ours")

    monkeypatch.setattr("jobs.rules.assign.comment", break_down)
    comment = CommentTask(task_id=uuid7(), comment_id=uuid7(), body="Good")

    outcomes = await engine.outcomes([cast.task(), cast.by(cast.human, comment), cast.task()])

    assert [outcome["status"] for outcome in outcomes] == ["applied", "buried", "applied"]
    buried = await engine.row("job", cast.tenant_id, outcomes[1]["job_id"])
    assert "ZeroDivisionError" in buried["error"]
    assert "break_down" in buried["traceback"]


async def test_an_id_that_is_no_uuid7_of_our_time_is_refused(engine: Engine, cast: Cast) -> None:
    ancient = cast.task().model_copy(
        update={"id": derived_id(datetime(2001, 9, 9, tzinfo=UTC), "old")}
    )
    future = cast.task().model_copy(
        update={"id": derived_id(datetime(2255, 3, 14, tzinfo=UTC), "new")}
    )

    outcomes = await engine.outcomes([ancient, future])

    assert [outcome["code"] for outcome in outcomes] == ["expired", "invalid"]
