"""What a relational design promises, on the real database."""

import asyncio

from uuid_utils.compat import uuid7

from db.unit_of_work import unit_of_work
from jobs.payloads.project import UpdateProject
from jobs.payloads.task import DeleteTask, UpdateTask
from jobs.payloads.worker import UpdateWorker
from tests.asking import Cast
from tests.engine import Engine
from worker.runtime import Runtime


async def test_renaming_a_project_touches_one_row(engine: Engine, cast: Cast) -> None:
    task_ids = [uuid7() for _ in range(3)]
    await engine.statuses([cast.task(task_id) for task_id in task_ids])

    renamed = UpdateProject(project_id=cast.project_id, name="Another name")
    assert await engine.statuses([cast.by(cast.owner, renamed)]) == ["applied"]

    assert (await engine.row("project", cast.tenant_id, cast.project_id))["name"] == "Another name"
    assert await engine.count("task", cast.tenant_id, "version = 1") == 3


async def test_a_project_is_there_before_its_first_and_after_its_last_task(
    engine: Engine, cast: Cast
) -> None:
    assert await engine.count("project", cast.tenant_id) == 1
    task_id = uuid7()

    await engine.statuses(
        [cast.task(task_id), cast.by(cast.owner, DeleteTask(task_id=task_id))],
    )

    assert await engine.count("task", cast.tenant_id, "deleted_at IS NULL") == 0
    assert await engine.count("project", cast.tenant_id, "deleted_at IS NULL") == 1


async def test_history_keeps_the_name_that_its_actor_had(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id)])
    before = await engine.row("worker", cast.tenant_id, cast.owner)

    renamed = UpdateWorker(worker_id=cast.owner, name="Somebody Else")
    await engine.statuses([cast.by(cast.owner, renamed)])
    await engine.statuses([cast.by(cast.owner, UpdateTask(task_id=task_id, title="Anew"))])

    events = await engine.execute(
        "SELECT actor_name FROM taskrail.event WHERE tenant_id = :tenant AND entity_id = :id"
        " ORDER BY seq",
        tenant=cast.tenant_id,
        id=task_id,
    )
    assert [event["actor_name"] for event in events] == [before["name"], "Somebody Else"]


async def test_null_clears_and_what_is_not_named_stays(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id, description="old", tags=["a"])])

    changed = UpdateTask(task_id=task_id, description=None)
    assert await engine.statuses([cast.by(cast.owner, changed)]) == ["applied"]

    task = await engine.row("task", cast.tenant_id, task_id)
    assert (task["description"], task["tags"], task["version"]) == (None, ["a"], 2)
    assert task["updated_at"] > task["created_at"]


async def test_a_longer_list_is_saved(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id, tags=["a"], attributes={"sprint": {"number": 1}})])

    longer = UpdateTask(
        task_id=task_id, tags=["a", "b"], attributes={"sprint": {"number": 1, "week": 2}}
    )
    await engine.statuses([cast.by(cast.owner, longer)])

    task = await engine.row("task", cast.tenant_id, task_id)
    assert task["tags"] == ["a", "b"]
    assert task["attributes"] == {"sprint": {"number": 1, "week": 2}}


async def test_every_event_stands_in_the_outbox_once(engine: Engine, cast: Cast) -> None:
    task_id = uuid7()
    await engine.statuses([cast.task(task_id), cast.by(cast.owner, DeleteTask(task_id=task_id))])

    events = await engine.count("event", cast.tenant_id)
    rows = await engine.execute(
        "SELECT count(*) AS rows, count(DISTINCT (entity_id, seq)) AS events"
        " FROM taskrail.outbox WHERE tenant_id = :tenant",
        tenant=cast.tenant_id,
    )

    assert rows == [{"rows": events, "events": events}]


async def test_no_connection_is_left_behind_by_work_good_or_bad(engine: Engine, cast: Cast) -> None:
    good = [cast.task() for _ in range(20)]
    bad = [cast.by(cast.owner, DeleteTask(task_id=uuid7())) for _ in range(20)]

    await engine.apply([*good, *bad, *good])

    assert engine.runtime.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a queue pool


async def test_two_at_work_never_share_a_connection(runtime: Runtime) -> None:
    pool = runtime.engine.pool
    both_are_at_work = asyncio.Barrier(2)

    async def connections_in_use() -> int:
        async with unit_of_work(runtime.engine):
            await both_are_at_work.wait()
            in_use: int = pool.checkedout()  # type: ignore[attr-defined]  # of a queue pool
            await both_are_at_work.wait()
            return in_use

    assert set(await asyncio.gather(connections_in_use(), connections_in_use())) == {2}


async def test_what_a_job_says_is_found_with_the_operators_of_json(
    engine: Engine, cast: Cast
) -> None:
    attributes = {"estimated_hours": 3.5, "sprint": "autumn", "labels": ["ui"], "custom": {"x": 1}}
    await engine.statuses([cast.task(attributes=attributes)])

    found = await engine.execute(
        "SELECT attributes FROM taskrail.task WHERE tenant_id = :tenant"
        """ AND attributes @> '{"labels": ["ui"]}' AND attributes ->> 'sprint' = 'autumn'""",
        tenant=cast.tenant_id,
    )

    assert found == [{"attributes": attributes}]
