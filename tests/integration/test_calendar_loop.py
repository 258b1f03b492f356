"""The calendar by single rounds: reminders, occurrences that are due, purges."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import CancelTask, CompleteTask
from jobs.payloads.task import DeleteTask
from jobs.recurrence import Recurrence
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine, batch_engine
from worker.loops.calendar import TO_PURGE, TO_RECUR, TO_REMIND, Calendar

AHEAD = {
    "24h": timedelta(hours=24),
    "1h": timedelta(hours=1),
    "5m": timedelta(minutes=5),
}
MINUTE = timedelta(minutes=1)
YESTERDAY = datetime.now(UTC) - timedelta(days=1)

engine = batch_engine


async def created(engine: Engine, cast: Cast, **fields: Any) -> UUID:
    task_id = uuid7()
    assert await engine.statuses([cast.task(task_id, **fields)]) == ["applied"]
    return task_id


async def crossing(engine: Engine, cast: Cast, horizon: str, **fields: Any) -> UUID:
    """A task that came nearer than the horizon a minute ago."""
    due_at = datetime.now(UTC) + AHEAD[horizon] - MINUTE
    return await created(engine, cast, **({"due_at": due_at, "assignee_id": cast.human} | fields))


async def recurring(engine: Engine, cast: Cast, **fields: Any) -> UUID:
    recurrence = Recurrence(**({"rule": "FREQ=DAILY", "trigger": "on_due"} | fields))
    return await created(engine, cast, due_at=YESTERDAY, recurrence=recurrence)


async def reminders(engine: Engine, cast: Cast) -> list[tuple[UUID, str]]:
    rows = await engine.execute(
        "SELECT entity_id, data -> 'reminder' ->> 'horizon' AS horizon FROM taskrail.event"
        " WHERE tenant_id = :tenant_id AND kind = 'task.reminded' ORDER BY horizon, entity_id",
        tenant_id=cast.tenant_id,
    )
    return [(row["entity_id"], row["horizon"]) for row in rows]


@pytest.mark.parametrize("horizon", AHEAD)
async def test_a_task_that_comes_near_is_reminded_of_once(
    engine: Engine, cast: Cast, horizon: str
) -> None:
    task_id, calendar = await crossing(engine, cast, horizon), Calendar()

    rounds = [await calendar.observe(engine.runtime) for _ in range(3)]

    assert rounds == [1, 0, 0]
    assert await reminders(engine, cast) == [(task_id, horizon)]


async def test_between_the_horizons_nobody_is_reminded(engine: Engine, cast: Cast) -> None:
    now = datetime.now(UTC)
    for ahead in (timedelta(days=2), timedelta(hours=5), timedelta(minutes=30), -MINUTE):
        await created(engine, cast, due_at=now + ahead, assignee_id=cast.human)

    assert await Calendar().observe(engine.runtime) == 0


async def test_a_later_round_takes_up_where_the_last_one_ended(engine: Engine, cast: Cast) -> None:
    calendar = Calendar(reminded_until=datetime.now(UTC) - timedelta(hours=2))
    task_id = await created(
        engine,
        cast,
        due_at=datetime.now(UTC) + timedelta(hours=22, minutes=30),
        assignee_id=cast.human,
    )

    assert await calendar.observe(engine.runtime) == 1

    assert await reminders(engine, cast) == [(task_id, "24h")]
    assert calendar.reminded_until is not None
    assert datetime.now(UTC) - calendar.reminded_until < MINUTE


async def test_two_calendars_remind_once(engine: Engine, cast: Cast) -> None:
    tasks = [await crossing(engine, cast, "1h") for _ in range(5)]
    other = replace(engine.runtime)
    one, two = Calendar(), Calendar()

    for _ in range(3):
        await asyncio.gather(one.observe(engine.runtime), two.observe(other))

    assert await reminders(engine, cast) == [(task_id, "1h") for task_id in sorted(tasks)]


async def test_a_worker_that_begins_anew_reminds_nobody_again(engine: Engine, cast: Cast) -> None:
    await crossing(engine, cast, "24h")
    await Calendar().observe(engine.runtime)

    assert await Calendar().observe(engine.runtime) == 0

    assert len(await reminders(engine, cast)) == 1


async def test_nobody_is_reminded_of_tasks_that_are_settled_or_nobodys(
    engine: Engine, cast: Cast
) -> None:
    done, cancelled, deleted = [await crossing(engine, cast, "24h") for _ in range(3)]
    await crossing(engine, cast, "24h", assignee_id=None)
    ends = [
        CompleteTask(task_id=done),
        CancelTask(task_id=cancelled),
        DeleteTask(task_id=deleted),
    ]
    assert await engine.statuses([cast.by(cast.owner, end) for end in ends]) == ["applied"] * 3

    assert await Calendar().observe(engine.runtime) == 0

    assert await reminders(engine, cast) == []


async def test_a_suspended_tenant_is_left_alone(engine: Engine, cast: Cast) -> None:
    await crossing(engine, cast, "24h")
    await engine.execute(
        "UPDATE taskrail.tenant SET suspended_at = clock_timestamp() WHERE id = :id",
        id=cast.tenant_id,
    )

    assert await Calendar().observe(engine.runtime) == 0


async def test_who_is_busy_is_reminded_in_a_later_round(
    engine: Engine, cast: Cast, database: Database
) -> None:
    task_id, calendar = await crossing(engine, cast, "24h"), Calendar()
    async with database.superuser.begin() as somebody_else:
        await somebody_else.execute(
            text("SELECT FROM taskrail.task WHERE id = :id FOR UPDATE"), {"id": task_id}
        )
        assert await calendar.observe(engine.runtime) == 0
        assert calendar.reminded_until is None

    assert await calendar.observe(engine.runtime) == 1


async def test_a_task_that_is_due_recurs_once(engine: Engine, cast: Cast) -> None:
    task_id, calendar = await recurring(engine, cast), Calendar()

    rounds = [await calendar.observe(engine.runtime) for _ in range(3)]

    assert rounds == [1, 0, 0]
    task = await engine.row("task", cast.tenant_id, task_id)
    successor = await engine.row("task", cast.tenant_id, task["recurrence"]["successor_id"])
    assert (task["status"], successor["status"]) == ("pending", "pending")
    assert datetime.now(UTC) < successor["due_at"] <= datetime.now(UTC) + timedelta(days=1)


async def test_two_calendars_and_a_completion_make_one_successor(
    engine: Engine, cast: Cast
) -> None:
    task_id = await recurring(engine, cast, trigger="both")
    done = cast.by(cast.owner, CompleteTask(task_id=task_id))
    one, two = Calendar(), Calendar()

    _, _, statuses = await asyncio.gather(
        one.observe(engine.runtime), two.observe(engine.runtime), engine.statuses([done])
    )
    await one.observe(engine.runtime)

    assert statuses[0] in {"applied", "handedback"}
    assert await engine.count("task", cast.tenant_id) == 2


async def test_due_times_before_there_were_computers_do_no_harm(engine: Engine, cast: Cast) -> None:
    ancient = datetime(1900, 1, 1, tzinfo=UTC)
    recurrence = Recurrence(rule="FREQ=WEEKLY", trigger="on_due")
    await created(engine, cast, due_at=ancient, recurrence=recurrence)

    assert await Calendar().observe(engine.runtime) == 1


async def test_a_series_that_cannot_go_on_keeps_nobody_behind_it(
    engine: Engine, cast: Cast
) -> None:
    settings = engine.runtime.settings.model_copy(update={"batch_jobs": 2})
    runtime = replace(engine.runtime, settings=settings)
    stuck = [await recurring(engine, cast, clone_subtasks=True) for _ in range(3)]
    await engine.execute(
        "INSERT INTO taskrail.task (tenant_id, id, project_id, parent_id, title)"
        " SELECT :tenant_id, gen_random_uuid(), :project_id, parent, 'Too many'"
        " FROM unnest(CAST(:parents AS uuid[])) AS parent, generate_series(1, 500)",
        tenant_id=cast.tenant_id,
        project_id=cast.project_id,
        parents=stuck,
    )
    await recurring(engine, cast)
    calendar = Calendar()

    rounds = [await calendar.observe(runtime) for _ in range(2)]

    assert rounds == [1, 0]
    assert len(calendar.settled) == len(stuck)


async def test_a_task_deleted_long_ago_is_purged_and_one_deleted_lately_is_not(
    engine: Engine, cast: Cast
) -> None:
    old, new = await created(engine, cast), await created(engine, cast)
    deletions = [cast.by(cast.owner, DeleteTask(task_id=task_id)) for task_id in (old, new)]
    assert await engine.statuses(deletions) == ["applied"] * 2
    days = engine.runtime.settings.purge_after_days
    await engine.execute(
        "UPDATE taskrail.task SET deleted_at = deleted_at - make_interval(days => :days)"
        " WHERE id = :id",
        days=days,
        id=old,
    )

    rounds = [await Calendar().observe(engine.runtime) for _ in range(2)]

    assert rounds == [1, 0]
    purged, kept = [await engine.row("task", cast.tenant_id, task_id) for task_id in (old, new)]
    assert purged["purged_at"] is not None
    assert kept["purged_at"] is None


@pytest.mark.parametrize(
    ("find", "index"),
    [
        (TO_REMIND, "ix_task_to_remind"),
        (TO_RECUR, "ix_task_to_recur"),
        (TO_PURGE, "ix_task_to_purge"),
    ],
)
async def test_what_is_due_is_found_by_an_index_of_its_own(
    database: Database, find: Any, index: str
) -> None:
    now = datetime.now(UTC)
    binds = {"at": now, "tenant_id": uuid7(), "id": uuid7(), "until": now, "tasks": 200}
    async with database.engine("keeper").begin() as keeper:
        await keeper.execute(text("SET LOCAL enable_seqscan = off"))
        explained = text(f"EXPLAIN {find.text}").bindparams(*find._bindparams.values())  # noqa: SLF001 - the types of the query itself

        plan = "\n".join(row[0] for row in await keeper.execute(explained, binds))

    assert f"using {index} on task" in plan
