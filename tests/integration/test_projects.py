"""Projects whose names go from one to another, in one batch or in several."""

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.payloads.project import CreateProject, DeleteProject, RestoreProject, UpdateProject
from jobs.payloads.worker import RegisterWorker, UpdateWorker
from tests.asking import Cast
from tests.engine import Engine
from tests.settling import settle


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


async def test_of_two_updates_that_saw_the_same_version_one_is_applied(
    engine: Engine, cast: Cast
) -> None:
    version = (await engine.row("project", cast.tenant_id, cast.project_id))["version"]
    updates = [
        cast.by(
            cast.owner,
            UpdateProject(project_id=cast.project_id, name=name, expected_version=version),
        )
        for name in ("First", "Second")
    ]

    outcomes = await settle(engine, updates)

    assert [outcome.get("code", "applied") for outcome in outcomes] == [
        "applied",
        "version_conflict",
    ]
