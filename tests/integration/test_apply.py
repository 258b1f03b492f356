"""The engine on a real PostgreSQL: the batch, and the same claims for one job at a time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from jobs.codec import InvalidJob, Poison, Reference, UnknownJob
from jobs.envelope import AnyJob
from jobs.ids import derived_id
from jobs.payloads.lifecycle import (
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    RenewLease,
    ReportProgress,
    StartTask,
)
from jobs.payloads.task import CommentTask
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from worker.apply import apply, apply_one_by_one
from worker.deliveries import Deferred, Delivery, Disposition, Parked, Settled
from worker.runtime import Runtime

Apply = Callable[[Sequence[Delivery], Runtime], Awaitable[list[Disposition]]]


@pytest.fixture(params=[apply, apply_one_by_one])
def form(request: pytest.FixtureRequest) -> Apply:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def engine(form: Apply, runtime: Runtime, database: Database) -> Engine:
    return Engine(form, runtime, database.superuser)


@pytest.fixture
async def cast(engine: Engine) -> Cast:
    people = Cast()
    await engine.create_tenant(people.tenant_id)
    assert await engine.statuses(people.setting_up()) == ["applied"] * 6
    return people


async def test_a_task_lives_from_creation_to_completion_in_one_batch(
    engine: Engine, cast: Cast
) -> None:
    task_id = uuid7()

    statuses = await engine.statuses(
        [
            cast.task(task_id),
            cast.by(cast.agent, ClaimTask(task_id=task_id)),
            cast.by(cast.agent, ReportProgress(task_id=task_id, progress=60, token=1)),
            cast.by(cast.agent, CompleteTask(task_id=task_id, token=1, result={"words": 300})),
        ]
    )

    assert statuses == ["applied"] * 4
    task = await engine.row("task", cast.tenant_id, task_id)
    assert (task["status"], task["progress"], task["version"]) == ("completed", 100, 4)
    assert task["result"] == {"words": 300}
    assert await engine.count("lease", cast.tenant_id) == 0


async def test_the_same_job_twice_has_one_effect_and_one_answer(engine: Engine, cast: Cast) -> None:
    job = cast.task()

    first = await engine.outcomes([job, job])
    again = await engine.outcomes([job])

    assert [outcome["status"] for outcome in first + again] == ["applied"] * 3
    assert first[0] == first[1] == again[0]
    assert await engine.count("task", cast.tenant_id) == 1


async def test_an_id_with_other_content_is_refused_and_told_the_first_outcome(
    engine: Engine, cast: Cast
) -> None:
    job = cast.task()
    first = (await engine.outcomes([job]))[0]
    other = cast.task().model_copy(update={"id": job.id})

    refused = (await engine.outcomes([other]))[0]

    assert (refused["status"], refused["code"]) == ("rejected", "idempotency_conflict")
    assert refused["first_outcome"] == first
    assert await engine.count("task", cast.tenant_id) == 1


async def test_a_rejection_is_final_for_its_id(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    early = cast.by(cast.human, StartTask(task_id=task_id))
    await engine.statuses([cast.task(task_id), cast.by(cast.owner, CancelTask(task_id=task_id))])

    first = (await engine.outcomes([early]))[0]
    again = (await engine.outcomes([early]))[0]

    assert first["code"] == "illegal_transition"
    assert first["alternatives"] == ["pending"]
    assert again == first


async def test_a_refused_job_leaves_its_neighbours_alone(engine: Engine, cast: Cast) -> None:
    good = [cast.task() for _ in range(5)]
    bad = cast.by(cast.agent, StartTask(task_id=good[0].payload.task_id))

    statuses = await engine.statuses([*good[:3], bad, *good[3:]])

    assert statuses == ["applied", "applied", "applied", "rejected", "applied", "applied"]
    assert await engine.count("task", cast.tenant_id) == 5


async def test_a_tree_is_created_whole_or_not_at_all(engine: Engine, cast: Cast) -> None:
    taken = uuid7()
    await engine.statuses([cast.task(taken)])
    subtasks = [{"task_id": uuid7(), "title": f"Part {n}"} for n in range(4)]
    whole = cast.task(subtasks=subtasks)
    broken = cast.task(
        subtasks=[{"task_id": uuid7(), "title": "New"}, {"task_id": taken, "title": "X"}]
    )

    statuses = await engine.statuses([whole, broken])

    assert statuses == ["applied", "rejected"]
    assert await engine.count("task", cast.tenant_id) == 6


async def test_cancelling_a_parent_cancels_what_is_open_below(engine: Engine, cast: Cast) -> None:
    root, child, grandchild = uuid7(), uuid7(), uuid7()
    below = {"task_id": grandchild, "title": "Below"}
    await engine.statuses(
        [cast.task(root, subtasks=[{"task_id": child, "title": "Child", "subtasks": [below]}])]
    )

    outcome = (await engine.outcomes([cast.by(cast.owner, CancelTask(task_id=root))]))[0]

    assert outcome["result"]["cancelled"] == 3
    row = await engine.row("task", cast.tenant_id, grandchild)
    assert row["status"] == "cancelled"


async def test_a_job_behind_another_waits_for_it(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    create = cast.task(task_id)
    start = cast.by(cast.human, StartTask(task_id=task_id), after=[create.id])

    alone = await engine.apply([start])
    both = await engine.statuses([start, create])

    assert [type(disposition) for disposition in alone] == [Deferred]
    assert both == ["applied", "applied"]


async def test_a_job_that_misses_a_row_waits_before_it_is_refused(
    engine: Engine, cast: Cast
) -> None:
    job = cast.by(cast.human, StartTask(task_id=uuid7()))

    early = await engine.apply([job])
    await engine.age_ledger(cast.tenant_id, seconds=60)
    late = await engine.outcomes([job])

    assert [type(disposition) for disposition in early] == [Deferred]
    assert late[0]["code"] == "not_found"


async def test_another_tenants_task_is_not_found(engine: Engine, cast: Cast) -> None:
    stranger = Cast()
    await engine.create_tenant(stranger.tenant_id)
    await engine.statuses(stranger.setting_up())
    task_id = uuid7()
    await engine.statuses([cast.task(task_id)])

    deferred = await engine.apply([stranger.by(stranger.human, StartTask(task_id=task_id))])

    assert [type(disposition) for disposition in deferred] == [Deferred]
    assert (await engine.row("task", cast.tenant_id, task_id))["status"] == "pending"


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

    assert [type(disposition) for disposition in dispositions] == [Parked]


async def test_an_invalid_payload_is_rejected_in_the_ledger(engine: Engine, cast: Cast) -> None:
    envelope = {"kind": "task.create", "payload": {}}
    broken = InvalidJob(cast.tenant_id, uuid7(), "task.create", envelope, "payload.title: missing")

    outcome = (await engine.outcomes([broken]))[0]

    assert (outcome["code"], outcome["message"]) == ("invalid", "payload.title: missing")
    assert await engine.count("job", cast.tenant_id, "status = 'rejected'") == 1


async def test_an_unknown_kind_is_parked_not_lost(engine: Engine, cast: Cast) -> None:
    newer = UnknownJob(cast.tenant_id, uuid7(), "task.levitate", {"kind": "task.levitate"})

    dispositions = await engine.apply([newer])

    assert [type(disposition) for disposition in dispositions] == [Parked]
    assert await engine.count("job", cast.tenant_id, "status = 'accepted'") == 1


async def test_unreadable_bytes_are_kept_as_they_came(engine: Engine, cast: Cast) -> None:
    poison = Poison(b"\x80\x04 not ours", "unreadable", "not JSON")

    statuses = await engine.statuses([cast.task(), poison, cast.task()])

    assert statuses == ["applied", "parked", "applied"]
    letter = await engine.last_dead_letter()
    assert (letter["raw"], letter["reason"]) == (b"\x80\x04 not ours", "unreadable")


async def test_a_job_of_an_unknown_tenant_is_a_dead_letter(engine: Engine, cast: Cast) -> None:
    nobody = Cast()

    dispositions = await engine.apply([nobody.task(), cast.task()])

    assert [type(disposition) for disposition in dispositions] == [Parked, Settled]
    assert (await engine.last_dead_letter())["reason"] == "unknown_tenant"


async def test_a_renewal_leaves_no_trace_in_ledger_or_history(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id), cast.by(cast.agent, ClaimTask(task_id=task_id))])
    before = await engine.row("lease", cast.tenant_id, task_id)
    jobs = await engine.count("job", cast.tenant_id)

    renewal = cast.by(cast.agent, RenewLease(task_id=task_id, token=1, lease_seconds=600))
    statuses = await engine.statuses([renewal])

    after = await engine.row("lease", cast.tenant_id, task_id)
    assert statuses == ["applied"]
    assert after["expires_at"] > before["expires_at"]
    assert await engine.count("job", cast.tenant_id) == jobs
    assert (await engine.row("task", cast.tenant_id, task_id))["version"] == 2


async def test_a_dispatch_that_finds_nothing_is_not_recorded(engine: Engine, cast: Cast) -> None:
    jobs = await engine.count("job", cast.tenant_id)

    outcome = (await engine.outcomes([cast.by(cast.agent, DispatchTasks(limit=3))]))[0]

    assert outcome["result"] == {"tasks": []}
    assert await engine.count("job", cast.tenant_id) == jobs


async def test_dispatch_hands_out_each_task_once_best_first(engine: Engine, cast: Cast) -> None:
    ranked = [cast.task(priority=word) for word in ("low", "critical", "medium", "high")]
    await engine.statuses(ranked)

    outcomes = await engine.outcomes(
        [
            cast.by(cast.agent, DispatchTasks(limit=3)),
            cast.by(cast.human, DispatchTasks(limit=3)),
        ]
    )

    first, second = ([task["id"] for task in outcome["result"]["tasks"]] for outcome in outcomes)
    ids = {job.payload.priority: str(job.payload.task_id) for job in ranked}
    assert [str(task_id) for task_id in first] == [ids["critical"], ids["high"], ids["medium"]]
    assert [str(task_id) for task_id in second] == [ids["low"]]


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
