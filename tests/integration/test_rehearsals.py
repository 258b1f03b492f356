"""A rehearsed replay changes nothing, and foretells the outcome and the rows of the real one."""

import re
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from db.repositories.interventions import Act
from db.repositories.rows import NAMED_BY
from jobs.codec import Reference, UnknownJob
from jobs.envelope import AnyJob
from jobs.errors import IdempotencyConflict, JobConflict
from jobs.payloads.lifecycle import CancelTask, ClaimTask
from jobs.payloads.project import AddMember, CreateProject, RemoveMember
from jobs.payloads.task import CommentTask, CreateTask, NewDependency, NewTask
from tests.asking import Cast
from tests.dying import buried
from tests.engine import Engine, batch_engine
from tests.reading import done, made
from tests.rows import changed, snapshot
from worker.dead.burying import bury
from worker.dead.rehearsing import Rehearsal, rehearse_job, rehearse_letter
from worker.dead.replaying import replay
from worker.deliveries import Delivery
from worker.loops.reaper import reap

TIME = re.compile('"[a-z]+_at":"[^"]*"')
WHATEVER_CHANGES = ("tally", "job")
"""Positions are new in every transaction; of the ledger's row more is told below."""

engine = batch_engine


async def dead(engine: Engine, job: AnyJob) -> AnyJob:
    """The job, which was in the process each time that it crashed."""
    await bury(Delivery("entry", job), "crash loop", engine.runtime)
    return job


async def rehearsed(engine: Engine, job: AnyJob) -> Rehearsal:
    runtime = engine.runtime
    return await rehearse_job((job.tenant_id, job.id), runtime.engine, runtime.settings)


async def replayed(engine: Engine, job: AnyJob) -> dict[str, Any]:
    """The outcome in earnest, when nobody waits any longer for what is not there."""
    key = (job.tenant_id, job.id)
    await replay([key], Act("ada"), engine.runtime.keeper, engine.runtime.redis)
    await engine.age_ledger(job.tenant_id, seconds=60)
    return (await engine.outcomes([Reference(*key)]))[0]


async def all_sorts(engine: Engine, cast: Cast) -> list[AnyJob]:
    """Jobs that write every table: some will be applied, some refused."""
    held, blocker, waiting = await made(engine, cast, "Held", "Blocker", "Waiting")
    tree = NewTask(task_id=uuid7(), title="Part")
    edge = NewDependency(task_id=blocker)
    return [
        cast.task(uuid7(), subtasks=[tree], depends_on=[edge]),
        cast.by(cast.agent, ClaimTask(task_id=held)),
        cast.by(cast.human, CommentTask(task_id=waiting, comment_id=uuid7(), body="Good")),
        cast.by(cast.owner, CreateProject(project_id=uuid7(), slug="second", name="Second")),
        cast.by(cast.owner, CancelTask(task_id=blocker, reason="enough")),
        cast.by(cast.owner, RemoveMember(project_id=cast.project_id, worker_id=cast.human)),
        cast.by(cast.owner, AddMember(project_id=cast.project_id, worker_id=uuid7())),
        cast.by(cast.human, CreateTask(project_id=uuid7(), task_id=uuid7(), title="Nowhere")),
    ]


async def test_a_rehearsal_changes_no_row_of_any_table(engine: Engine, cast: Cast) -> None:
    jobs = [await dead(engine, job) for job in await all_sorts(engine, cast)]
    before = await snapshot(engine)

    for job in jobs:
        await rehearsed(engine, job)

    assert await snapshot(engine) == before


async def test_a_rehearsal_foretells_outcome_and_rows_of_the_replay(
    engine: Engine, cast: Cast
) -> None:
    statuses, tables = set(), set()
    for job in [await dead(engine, job) for job in await all_sorts(engine, cast)]:
        foretold, before = await rehearsed(engine, job), await snapshot(engine)

        outcome, after = await replayed(engine, job), await snapshot(engine)

        assert _plain(outcome) == _plain(foretold.outcome)
        for table in NAMED_BY.keys() - set(WHATEVER_CHANGES):
            told = {_name(change.key) for change in foretold.changes if change.table == table}
            assert told == changed(before[table], after[table]), table
        statuses.add(outcome["status"])
        tables |= {change.table for change in foretold.changes}

    assert statuses == {"applied", "rejected"}
    assert tables == set(NAMED_BY)


async def test_the_ledgers_row_is_told_from_buried_to_settled(engine: Engine, cast: Cast) -> None:
    job = await dead(engine, cast.task())

    told = {change.table: change for change in (await rehearsed(engine, job)).changes}

    assert told["job"].before is not None
    assert told["job"].after is not None
    assert (told["job"].before["status"], told["job"].after["status"]) == ("buried", "applied")
    assert told["job"].after["error"] is None
    assert "envelope" not in told["job"].after
    assert told["task"].before is None


async def test_a_bug_that_is_not_mended_is_told_with_its_error(
    engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("still")

    (job,) = await buried(engine, cast, monkeypatch, uuid7())
    monkeypatch.setattr("jobs.rules.assign.comment", break_down)

    foretold = await rehearsed(engine, job)

    assert foretold.outcome["status"] == "buried"
    assert "still" in foretold.outcome["error"]


async def test_a_value_that_the_database_still_refuses_is_told_as_in_earnest(
    engine: Engine, cast: Cast
) -> None:
    """Two comments with one id: the rules cannot know."""
    (task,) = await made(engine, cast, "A")
    comment = CommentTask(task_id=task, comment_id=uuid7(), body="Good")
    await done(engine, cast.by(cast.human, comment))
    job = await dead(engine, cast.by(cast.owner, comment))

    foretold, outcome = await rehearsed(engine, job), await replayed(engine, job)

    assert foretold.outcome == outcome
    assert outcome["code"] == "already_exists"
    assert [change.table for change in foretold.changes] == ["job"]


async def test_a_job_that_has_to_wait_is_told_to_wait(engine: Engine, cast: Cast) -> None:
    other = cast.task()
    await engine.record([other])
    job = await dead(engine, cast.task().model_copy(update={"after": [other.id]}))

    foretold = await rehearsed(engine, job)

    assert foretold.outcome["status"] == "accepted"
    assert "after" in foretold.outcome["waits"]


async def test_locked_rows_are_a_conflict_not_a_verdict(engine: Engine, cast: Cast) -> None:
    job = await dead(engine, cast.task())

    async with engine.superuser.begin() as rogue:
        await rogue.exec_driver_sql("SELECT 1 FROM taskrail.job FOR UPDATE")
        with pytest.raises(JobConflict):
            await rehearsed(engine, job)


async def test_a_job_of_the_systems_own_is_rehearsed_as_its_loop_would_do_it(
    engine: Engine, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("bug")

    (task,) = await made(engine, cast, "A")
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=task)))
    await engine.execute("UPDATE taskrail.lease SET expires_at = now() - interval '1 s'")
    with monkeypatch.context() as bug:
        bug.setattr("jobs.rules.lease.expire", break_down)
        await reap(engine.runtime)
    (row,) = await engine.execute("SELECT tenant_id, id FROM taskrail.job WHERE status = 'buried'")

    foretold = await rehearse_job(
        (row["tenant_id"], row["id"]), engine.runtime.engine, engine.runtime.settings
    )

    assert foretold.outcome["status"] == "applied"
    (lease,) = [change for change in foretold.changes if change.table == "lease"]
    assert (lease.key["task_id"], lease.after) == (task, None)


async def test_the_job_of_a_dead_letter_is_rehearsed_as_if_recorded(
    engine: Engine, cast: Cast
) -> None:
    job, known, taken = cast.task(), cast.task(), cast.task()
    await done(engine, known, taken)
    envelope = cast.task().model_dump(mode="json") | {"kind": "task.levitate"}
    elder = UnknownJob(cast.tenant_id, UUID(envelope["id"]), "task.levitate", envelope)
    other = cast.task().model_copy(update={"id": taken.id})
    before = await snapshot(engine)

    statuses = [(await told(engine, sent)).outcome["status"] for sent in (job, known, elder)]

    assert statuses == ["applied", "applied", "accepted"]
    with pytest.raises(IdempotencyConflict):
        await told(engine, other)
    assert await snapshot(engine) == before


async def told(engine: Engine, sent: AnyJob | UnknownJob) -> Rehearsal:
    return await rehearse_letter(sent, engine.runtime.engine, engine.runtime.settings)


def _name(key: Any) -> str:
    return "/".join(map(str, key.values()))


def _plain(outcome: dict[str, Any]) -> str:
    """As JSON, without the times of the moment."""
    return TIME.sub("", to_json(outcome).decode())
