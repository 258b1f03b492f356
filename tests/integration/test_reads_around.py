"""What surrounds a task, and what is read of projects, workers and the past."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.reads.activity import activity
from db.reads.counts import counts_by_status
from db.reads.deletions import deletions
from db.reads.one_task import one_task
from db.reads.projects import list_projects, one_project
from db.reads.ready import ready_tasks
from db.reads.subtree import Branch, subtree
from db.reads.workers import completions, list_workers
from jobs.entities import TaskStatus, WorkerKind
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, DispatchTasks, ReportProgress
from jobs.payloads.task import AssignTask, DeleteTask, NewDependency, NewTask
from tests.asking import Cast
from tests.engine import Engine, batch_engine
from tests.reading import done, made

NOW = datetime.now(UTC)
DAY = timedelta(days=1)

engine = batch_engine


async def finish(engine: Engine, cast: Cast, *tasks: UUID) -> None:
    """The human does them."""
    for task_id in tasks:
        await done(engine, cast.by(cast.owner, AssignTask(task_id=task_id, worker_id=cast.human)))
        await done(engine, cast.by(cast.human, CompleteTask(task_id=task_id)))


async def delete_project(engine: Engine) -> None:
    await engine.execute("UPDATE taskrail.project SET deleted_at = clock_timestamp()")


async def test_a_task_is_shown_with_its_project_people_and_lease(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    (task_id,) = await made(engine, cast, "Held", description="Long", attributes={"n": 1})
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=task_id)))

    shown = await one_task(reader, cast.tenant_id, task_id)

    assert shown is not None
    assert (shown.task.title, shown.task.description, shown.task.attributes) == (
        "Held", "Long", {"n": 1},
    )  # fmt: skip
    assert shown.project.id == cast.project_id
    assert shown.creator is not None
    assert shown.creator.id == cast.owner
    assert shown.assignee is not None
    assert (shown.assignee.id, shown.assignee.kind) == (cast.agent, "agent")
    assert shown.lease is not None
    assert shown.lease.holder == shown.assignee
    assert shown.lease.expires_at > NOW


async def test_a_task_is_shown_with_parent_subtasks_and_both_kinds_of_dependencies(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    parent, before = await made(engine, cast, "Parent", "Before")
    edge = NewDependency(task_id=before, on_failure="cancel")
    (task_id,) = await made(engine, cast, "It", parent_id=parent, depends_on=[edge])
    await made(engine, cast, "One", "Two", parent_id=task_id)
    await made(engine, cast, "After", depends_on=[NewDependency(task_id=task_id)])

    shown = await one_task(reader, cast.tenant_id, task_id)

    assert shown is not None
    assert shown.parent is not None
    assert shown.parent.title == "Parent"
    assert [task.title for task in shown.subtasks] == ["One", "Two"]
    assert [(e.task.title, e.on_failure) for e in shown.dependencies] == [("Before", "cancel")]
    assert [(e.task.title, e.on_failure) for e in shown.dependents] == [("After", "block")]
    assert shown.task.waiting


async def test_deleted_kin_is_not_shown(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    (task_id, before) = await made(engine, cast, "It", "Before")
    (child,) = await made(engine, cast, "Child", parent_id=task_id)
    (after,) = await made(engine, cast, "After", depends_on=[NewDependency(task_id=task_id)])
    for gone in (before, child, after):
        await done(engine, cast.by(cast.owner, DeleteTask(task_id=gone)))

    shown = await one_task(reader, cast.tenant_id, task_id)

    assert shown is not None
    assert (shown.subtasks, shown.dependencies, shown.dependents) == ([], [], [])


async def test_a_deleted_task_and_a_task_of_a_deleted_project_are_not_shown_by_id(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    deleted, hidden = await made(engine, cast, "Deleted", "Hidden")
    await done(engine, cast.by(cast.owner, DeleteTask(task_id=deleted)))
    assert await one_task(reader, cast.tenant_id, deleted) is None
    assert await subtree(reader, cast.tenant_id, deleted) is None
    assert await one_task(reader, uuid7(), hidden) is None

    await delete_project(engine)

    assert await one_task(reader, cast.tenant_id, hidden) is None
    assert await subtree(reader, cast.tenant_id, hidden) is None
    assert await one_project(reader, cast.tenant_id, cast.project().slug) is None
    assert (await list_projects(reader, cast.tenant_id)).rows == []
    assert await counts_by_status(reader, cast.tenant_id) == {}


async def test_the_progress_of_a_tree_is_the_mean_of_its_live_children_from_the_leaves_up(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    """Root = mean of (mean of 100 and 50) and 0; a deleted leaf does not count."""
    root, finished, begun, gone = (uuid7() for _ in range(4))
    leaves = [NewTask(task_id=i, title=n) for i, n in ((finished, "A"), (begun, "B"), (gone, "C"))]
    inner = NewTask(task_id=uuid7(), title="Inner", subtasks=leaves)
    idle = NewTask(task_id=uuid7(), title="Idle")
    await done(engine, cast.task(root, title="Root", subtasks=[inner, idle]))
    await finish(engine, cast, finished)
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=begun)))
    await done(engine, cast.by(cast.agent, ReportProgress(task_id=begun, percent=50, token=1)))
    await done(engine, cast.by(cast.owner, DeleteTask(task_id=gone)))

    tree = await subtree(reader, cast.tenant_id, root)
    top = await subtree(reader, cast.tenant_id, root, depth=1)

    assert tree is not None
    assert top is not None
    assert outline(tree) == ("Root", 37.5, [
        ("Idle", 0, []),
        ("Inner", 75, [("A", 100, []), ("B", 50, [])]),
    ])  # fmt: skip
    assert outline(top) == ("Root", 37.5, [("Idle", 0, []), ("Inner", 75, [])])
    assert {branch.task.title for branch in top.subtasks if branch.is_cut} == {"Inner"}


def outline(branch: Branch) -> tuple[str, float, list[object]]:
    """Children in the order of their titles."""
    below = sorted((outline(child) for child in branch.subtasks), key=lambda child: child[0])
    return branch.task.title, branch.progress, list(below)


async def test_what_is_ready_for_a_worker_is_what_dispatch_then_gives_in_the_same_order(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    await made(engine, cast, "Low", priority="low")
    (urgent,) = await made(engine, cast, "Urgent", priority="critical")
    await made(engine, cast, "Due", due_at=NOW + DAY)
    await made(engine, cast, "Undue")
    await made(engine, cast, "Later", run_after=NOW + DAY)
    await made(engine, cast, "Skilled", required_capabilities=["fly"])
    await made(engine, cast, "Another's", assignee_id=cast.human)
    await made(engine, cast, "Waits", depends_on=[NewDependency(task_id=urgent)])

    ready = await ready_tasks(reader, cast.tenant_id, cast.agent)
    (given,) = await engine.outcomes([cast.by(cast.agent, DispatchTasks(limit=100))])

    assert [task.title for task in ready] == ["Urgent", "Due", "Undue", "Low"]
    assert [task["title"] for task in given["result"]["tasks"]] == [task.title for task in ready]
    assert await ready_tasks(reader, cast.tenant_id, cast.agent) == []
    assert await ready_tasks(reader, cast.tenant_id, uuid7()) == []


async def test_a_project_is_shown_with_members_and_counts_that_are_not_folded_yet(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    a, _, c = await made(engine, cast, "A", "B", "C")
    await finish(engine, cast, a)
    await done(engine, cast.by(cast.owner, DeleteTask(task_id=c)))

    shown = await one_project(reader, cast.tenant_id, cast.project().slug)
    (listed,) = (await list_projects(reader, cast.tenant_id)).rows

    assert shown is not None
    assert shown.project == listed
    assert (listed.task_count, listed.completed_count) == (2, 1)
    assert {member.person.id: member.role for member in shown.members} == {
        cast.owner: "owner", cast.human: "member", cast.agent: "member",
    }  # fmt: skip
    assert listed.owner == shown.members[0].person.handle
    assert shown.counts[TaskStatus.PENDING] == shown.counts[TaskStatus.COMPLETED] == 1
    assert sum(shown.counts.values()) == 2
    assert await counts_by_status(reader, cast.tenant_id) == {cast.project_id: shown.counts}


async def test_agents_are_shown_with_what_they_hold(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    (held,) = await made(engine, cast, "Held")
    await done(engine, cast.by(cast.agent, ClaimTask(task_id=held)))

    (agent,) = (await list_workers(reader, cast.tenant_id, WorkerKind.AGENT)).rows
    everybody = await list_workers(reader, cast.tenant_id, limit=2)
    rest = await list_workers(reader, cast.tenant_id, limit=2, after=everybody.after)

    assert (agent.id, agent.held_tasks) == (cast.agent, 1)
    assert [(task.id, task.title) for task in agent.holds] == [(held, "Held")]
    assert agent.last_seen_at is not None
    handles = [worker.handle for worker in (*everybody.rows, *rest.rows)]
    assert len(handles) == 3
    assert handles == sorted(handles)


async def test_completions_of_a_week_are_those_of_that_worker_in_that_week(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    a, b, _ = await made(engine, cast, "A", "B", "Open")
    await finish(engine, cast, a, b)

    this = await completions(reader, cast.tenant_id, cast.human, NOW - 3 * DAY, limit=1)
    rest = await completions(
        reader, cast.tenant_id, cast.human, NOW - 3 * DAY, limit=1, after=this.after
    )
    before = await completions(reader, cast.tenant_id, cast.human, NOW - 8 * DAY)
    others = await completions(reader, cast.tenant_id, cast.agent, NOW - 3 * DAY)

    assert [task.title for task in (*this.rows, *rest.rows)] == ["B", "A"]
    assert rest.after is None
    assert (before.rows, others.rows) == ([], [])


async def test_the_activity_of_a_project_is_its_own_and_its_tasks_events_latest_first(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    (a,) = await made(engine, cast, "A")
    await finish(engine, cast, a)
    await done(engine, cast.by(cast.owner, DeleteTask(task_id=a)))

    kinds, after = [], None
    for _ in range(4):
        page = await activity(
            reader, cast.tenant_id, cast.project_id, NOW - DAY, limit=2, after=after
        )
        kinds += [event.kind for event in page.rows]
        after = page.after

    assert kinds[:3] == ["task.deleted", "task.completed", "task.assigned"]
    assert kinds[-1] == "project.created"
    assert len(kinds) == 7
    assert after is None
    assert (await activity(reader, cast.tenant_id, cast.project_id, NOW + DAY)).rows == []


async def test_deletions_list_tasks_and_projects_of_the_last_days_until_they_are_purged(
    engine: Engine, cast: Cast, reader: AsyncConnection
) -> None:
    long_ago, purged, parent = await made(engine, cast, "Long ago", "Purged", "Parent")
    await made(engine, cast, "Child", parent_id=parent)
    for gone in (long_ago, purged, parent):
        await done(engine, cast.by(cast.owner, DeleteTask(task_id=gone)))
    await engine.execute(
        "UPDATE taskrail.task SET deleted_at = deleted_at - interval '31 days' WHERE id = :id",
        id=long_ago,
    )
    await engine.execute("UPDATE taskrail.task SET purged_at = now() WHERE id = :id", id=purged)
    await delete_project(engine)

    first = await deletions(reader, cast.tenant_id, limit=1)
    rest = await deletions(reader, cast.tenant_id, after=first.after)

    assert [row.entity_type for row in first.rows] == ["project"]
    assert {row.title for row in rest.rows} == {"Parent", "Child"}
    assert len({row.deletion_id for row in rest.rows}) == 1
