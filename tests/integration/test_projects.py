"""Projects whose names go from one to another, that rest, or that several change at once."""

import asyncio
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.payloads.lifecycle import ClaimTask, DispatchTasks, ReleaseTask
from jobs.payloads.project import (
    ArchiveProject,
    CreateProject,
    DeleteProject,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.payloads.worker import RegisterWorker, UpdateWorker
from ops.verify.run import verify
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.settling import settle
from worker.loops.reaper import reap


async def test_the_slug_of_a_deleted_project_is_free_at_once(engine: Engine, cast: Cast) -> None:
    slug, new = cast.project().slug, uuid7()

    outcomes = await settle(
        engine,
        [
            cast.by(cast.owner, DeleteProject(project_id=cast.project_id)),
            cast.by(cast.owner, CreateProject(project_id=new, slug=slug, name="New")),
            cast.by(cast.owner, RestoreProject(project_id=cast.project_id)),
            cast.by(cast.owner, UpdateProject(project_id=new, slug="another")),
            cast.by(cast.owner, RestoreProject(project_id=cast.project_id)),
        ],
    )

    assert [outcome.get("code", "applied") for outcome in outcomes] == [
        "applied",
        "applied",
        "already_exists",
        "applied",
        "applied",
    ]
    assert (await engine.row("project", cast.tenant_id, cast.project_id))["slug"] == slug


async def test_a_handle_that_is_given_up_is_free_at_once(engine: Engine, cast: Cast) -> None:
    handle = f"@human-{cast.human.hex[-12:]}"
    newcomer = RegisterWorker(worker_id=uuid7(), handle=handle, name="Bob", kind=WorkerKind.HUMAN)

    outcomes = await settle(
        engine,
        [
            cast.by(cast.human, UpdateWorker(worker_id=cast.human, handle="@renamed")),
            cast.by(cast.owner, newcomer),
        ],
    )

    assert [outcome["status"] for outcome in outcomes] == ["applied", "applied"]


async def test_two_projects_exchange_their_slugs_through_a_third(
    engine: Engine, cast: Cast
) -> None:
    """What all three rows are in the end no single statement can make of them."""
    other, slug = uuid7(), cast.project().slug
    renames = [(cast.project_id, "aside"), (other, slug), (cast.project_id, "other")]
    create = CreateProject(project_id=other, slug="other", name="Other")
    await engine.statuses([cast.by(cast.owner, create)])

    outcomes = await settle(
        engine,
        [
            cast.by(cast.owner, UpdateProject(project_id=project_id, slug=name))
            for project_id, name in renames
        ],
    )

    assert [outcome["status"] for outcome in outcomes] == ["applied"] * 3
    assert (await engine.row("project", cast.tenant_id, other))["slug"] == slug
    assert (await engine.row("project", cast.tenant_id, cast.project_id))["slug"] == "other"


async def test_a_restored_project_takes_the_slug_that_is_given_up_in_the_same_batch(
    engine: Engine, cast: Cast
) -> None:
    slug, heir = cast.project().slug, uuid7()
    before = [
        cast.by(cast.owner, DeleteProject(project_id=cast.project_id)),
        cast.by(cast.owner, CreateProject(project_id=heir, slug=slug, name="Heir")),
    ]
    assert set(await engine.statuses(before)) == {"applied"}

    outcomes = await settle(
        engine,
        [
            cast.by(cast.owner, UpdateProject(project_id=heir, slug="another")),
            cast.by(cast.owner, RestoreProject(project_id=cast.project_id)),
        ],
    )

    assert [outcome["status"] for outcome in outcomes] == ["applied", "applied"]


async def test_of_many_who_want_one_slug_at_once_one_gets_it(engine: Engine, cast: Cast) -> None:
    wishes = [CreateProject(project_id=uuid7(), slug="wanted", name="New") for _ in range(6)]

    outcomes = await asyncio.gather(
        *(settle(engine, [cast.by(cast.owner, wish)]) for wish in wishes)
    )

    codes = [outcome.get("code", "applied") for (outcome,) in outcomes]
    assert sorted(codes) == ["already_exists"] * 5 + ["applied"]


async def test_of_updates_that_saw_the_same_version_one_is_applied(
    engine: Engine, cast: Cast
) -> None:
    version = (await engine.row("project", cast.tenant_id, cast.project_id))["version"]
    updates = [
        UpdateProject(project_id=cast.project_id, name=name, expected_version=version)
        for name in ("First", "Second")
    ]

    together = await settle(engine, [cast.by(cast.owner, update) for update in updates])

    assert [outcome.get("code", "applied") for outcome in together] == [
        "applied",
        "version_conflict",
    ]


async def test_of_updates_at_the_same_time_that_saw_the_same_version_one_is_applied(
    engine: Engine, cast: Cast
) -> None:
    version = (await engine.row("project", cast.tenant_id, cast.project_id))["version"]
    updates = [
        UpdateProject(project_id=cast.project_id, name=f"Name {n}", expected_version=version)
        for n in range(5)
    ]

    outcomes = await asyncio.gather(
        *(settle(engine, [cast.by(cast.human, update)]) for update in updates)
    )

    codes = [outcome.get("code", "applied") for (outcome,) in outcomes]
    assert sorted(codes) == ["applied"] + ["version_conflict"] * 4
    row = await engine.row("project", cast.tenant_id, cast.project_id)
    assert row["version"] == version + 1


async def test_nothing_is_dispatched_from_a_project_that_rests_or_is_deleted(
    engine: Engine, cast: Cast
) -> None:
    rest, wake, delete, restore = (
        cast.by(cast.owner, kind(project_id=cast.project_id))
        for kind in (ArchiveProject, UnarchiveProject, DeleteProject, RestoreProject)
    )
    await engine.statuses([cast.task() for _ in range(3)])
    found = []

    for change in (rest, wake, delete, restore):
        assert await engine.statuses([change]) == ["applied"]
        found.append(await _dispatched(engine, cast))

    assert found == [0, 1, 0, 1]


async def test_a_lease_that_began_while_its_project_was_deleted_ends_by_itself(
    engine: Engine, cast: Cast, database: Database
) -> None:
    """Claims do not lock projects; so both may be applied, and the reaper does the rest."""
    tasks = [uuid7() for _ in range(8)]
    await engine.statuses([cast.task(task) for task in tasks])

    (deleted,), *claims = await asyncio.gather(
        settle(engine, [cast.by(cast.owner, DeleteProject(project_id=cast.project_id))]),
        *(engine.statuses([cast.by(cast.agent, ClaimTask(task_id=task))]) for task in tasks),
    )
    await engine.execute("UPDATE taskrail.lease SET expires_at = clock_timestamp()")
    await reap(engine.runtime)

    assert deleted["status"] == "applied" or deleted["code"] == "not_allowed"
    assert {status for (status,) in claims} <= {"applied", "deferred", "handedback"}
    assert await engine.count("lease", cast.tenant_id) == 0
    assert (await verify(database.engine("reader"))).violations == []


async def _dispatched(engine: Engine, cast: Cast) -> int:
    """How many tasks the agent gets; it gives them back."""
    (outcome,) = await settle(engine, [cast.by(cast.agent, DispatchTasks())])
    tasks = outcome["result"]["tasks"]
    given_back = [
        cast.by(cast.agent, ReleaseTask(task_id=UUID(task["id"]), token=task["token"]))
        for task in tasks
    ]
    assert set(await engine.statuses(given_back)) <= {"applied"}
    return len(tasks)
