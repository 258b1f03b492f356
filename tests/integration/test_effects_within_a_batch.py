"""Later jobs of a batch meet what earlier ones have done, not what was read before them."""

from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import ClaimTask, ReleaseTask, ReportUsage, StartTask
from jobs.payloads.project import DeleteProject, RemoveMember, UpdateProject
from jobs.payloads.task import AssignTask, DeleteTask, MoveTask
from jobs.payloads.worker import DeactivateWorker
from tests.asking import Cast
from tests.engine import Engine
from tests.reading import done, made


async def test_who_leaves_keeps_nothing_that_his_batch_has_given_him(
    engine: Engine, cast: Cast
) -> None:
    given, taken = await made(engine, cast, "given", "taken")

    await done(
        engine,
        cast.by(cast.owner, AssignTask(task_id=given, worker_id=cast.human)),
        cast.by(cast.owner, RemoveMember(project_id=cast.project_id, worker_id=cast.human)),
        cast.by(cast.agent, ClaimTask(task_id=taken)),
        cast.by(cast.agent, DeactivateWorker(worker_id=cast.agent)),
    )

    rows = [await engine.row("task", cast.tenant_id, task) for task in (given, taken)]
    assert [(row["status"], row["assignee_id"]) for row in rows] == [("pending", None)] * 2
    assert await engine.count("lease", cast.tenant_id) == 0


async def test_a_task_that_was_moved_away_is_not_deleted_with_where_it_was(
    engine: Engine, cast: Cast
) -> None:
    old, new = await made(engine, cast, "old parent", "new parent")
    (child,) = await made(engine, cast, "child", parent_id=old)

    await done(
        engine,
        cast.by(cast.owner, MoveTask(task_id=child, parent_id=new)),
        cast.by(cast.owner, DeleteTask(task_id=old)),
    )

    assert (await engine.row("task", cast.tenant_id, child))["deleted_at"] is None


async def test_a_project_is_not_deleted_in_the_batch_that_leases_a_task_of_it(
    engine: Engine, cast: Cast
) -> None:
    (task,) = await made(engine, cast, "task")

    statuses = await engine.statuses(
        [
            cast.by(cast.agent, ClaimTask(task_id=task)),
            cast.by(cast.owner, DeleteProject(project_id=cast.project_id)),
        ]
    )

    assert statuses == ["applied", "rejected"]


async def test_a_project_is_deleted_in_the_batch_that_ends_its_last_lease(
    engine: Engine, cast: Cast
) -> None:
    (task,) = await made(engine, cast, "task")
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=task)))

    await done(
        engine,
        cast.by(cast.agent, ReleaseTask(task_id=task, token=1)),
        cast.by(cast.owner, DeleteProject(project_id=cast.project_id)),
    )

    project = await engine.row("project", cast.tenant_id, cast.project_id)
    assert project["deleted_at"] is not None


async def test_usage_is_booked_in_a_batch_that_changes_its_project(
    engine: Engine, cast: Cast
) -> None:
    task = await _started_under(engine, cast, Budget(tokens=Limit(hard=10)))

    await done(
        engine,
        cast.by(cast.human, ReportUsage(task_id=task, usage=Usage(tokens=10))),
        cast.by(cast.owner, UpdateProject(project_id=cast.project_id, name="Renamed")),
    )

    assert (await engine.row("task", cast.tenant_id, task))["blocked_reason"] == "budget"


async def _started_under(engine: Engine, cast: Cast, budget: Budget) -> UUID:
    task = uuid7()
    await done(
        engine,
        cast.by(cast.owner, UpdateProject(project_id=cast.project_id, budget=budget)),
        cast.task(task),
        cast.by(cast.human, StartTask(task_id=task)),
    )
    return task
