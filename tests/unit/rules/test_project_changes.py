"""Projects that change: who may, what stays unique, what disappears and comes back."""

from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import ApprovalPolicy
from jobs.payloads.budget import Budget, Limit
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, DispatchTasks, StartTask
from jobs.payloads.project import (
    ArchiveProject,
    CreateProject,
    DeleteProject,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from tests.unit.rules.world import World, new_world

BUDGET = Budget(tokens=Limit(hard=10))


def test_a_member_changes_what_a_project_says_of_itself() -> None:
    world = new_world()
    payload = _update(world, name="New name", description="Long")

    updated = world.do(world.human, payload)

    assert (world.project().name, world.project().description) == ("New name", "Long")
    assert updated["changed"] == ["description", "name"]
    assert world.do(world.human, payload)["changed"] == []


@pytest.mark.parametrize(
    "fields", [{"slug": "new"}, {"approval_policy": ApprovalPolicy.ALL}, {"budget": BUDGET}]
)
def test_slug_policy_and_budget_are_the_owners_to_change(fields: dict[str, Any]) -> None:
    world = new_world()

    assert world.refuse(world.human, _update(world, **fields)).code == "not_allowed"
    world.do(world.owner, _update(world, **fields))

    (name,) = fields
    assert world.event()[1].keys() == {name}


def test_a_budget_is_kept_as_it_was_given_and_cleared_by_null() -> None:
    world = new_world()
    world.do(world.owner, _update(world, budget=BUDGET))
    assert world.project().budget == {"tokens": {"hard": 10}}

    world.do(world.owner, _update(world, budget=None))

    assert world.project().budget is None


def test_what_is_not_given_stays_and_null_clears() -> None:
    world = new_world(description="Long")

    world.do(world.human, _update(world, attributes={"rank": 1}))
    kept = world.project().description
    world.do(world.human, _update(world, description=None))

    assert (kept, world.project().description) == ("Long", None)
    assert (world.project().name, world.project().attributes) == ("Relaunch", {"rank": 1})


def test_the_system_does_what_owners_do() -> None:
    world = new_world()
    given = {"project_id": world.project_id}

    for payload in (
        _update(world, slug="new"),
        ArchiveProject(**given),
        UnarchiveProject(**given),
        DeleteProject(**given),
        RestoreProject(**given),
    ):
        world.do(None, payload)

    assert world.project().version == 9


def test_an_archived_project_can_be_changed_and_deleted() -> None:
    world = new_world()
    world.do(world.owner, ArchiveProject(project_id=world.project_id))

    world.do(world.human, _update(world, name="At rest"))
    world.do(world.owner, DeleteProject(project_id=world.project_id))
    world.do(world.owner, RestoreProject(project_id=world.project_id))

    assert (world.project().name, world.project().status) == ("At rest", "archived")


def test_a_slug_that_is_given_up_is_free_for_others() -> None:
    world = new_world()
    old = world.project().slug

    world.do(world.owner, _update(world, slug="new"))
    world.create_project(uuid7(), slug=old)

    assert world.refuse(world.owner, _update(world, slug=old)).code == "already_exists"


def test_a_refused_change_of_slug_gives_nothing_up() -> None:
    world = new_world()
    world.create_project(uuid7(), slug="taken")

    world.refuse(world.owner, _update(world, slug="taken"))

    again = CreateProject(project_id=uuid7(), slug=world.project().slug, name="Again")
    assert world.refuse(world.owner, again).code == "already_exists"


def test_a_slug_is_one_live_projects() -> None:
    world = new_world()
    other = world.create_project(uuid7(), slug="taken")

    refusal = world.refuse(world.owner, _update(world, slug="taken"))
    world.do(world.owner, DeleteProject(project_id=other))
    world.do(world.owner, _update(world, slug="taken"))
    restored = world.refuse(world.owner, RestoreProject(project_id=other))

    assert (refusal.code, restored.code) == ("already_exists", "already_exists")


def test_an_update_of_another_version_is_refused() -> None:
    world = new_world()
    version = world.project().version

    refusal = world.refuse(world.owner, _update(world, name="N", expected_version=version - 1))
    world.do(world.owner, _update(world, name="N", expected_version=version))

    assert (refusal.code, refusal.observed.version) == ("version_conflict", version)


def test_nothing_new_begins_in_an_archived_project_and_what_has_begun_may_end() -> None:
    world = new_world()
    working, waiting = world.started(), world.create()
    world.do(world.owner, ArchiveProject(project_id=world.project_id))

    for actor, payload in (
        (world.agent, ClaimTask(task_id=waiting)),
        (world.human, StartTask(task_id=waiting)),
    ):
        assert world.refuse(actor, payload).code == "not_allowed"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []
    world.do(world.human, CompleteTask(task_id=working))

    world.do(world.owner, UnarchiveProject(project_id=world.project_id))
    world.claim(world.agent, waiting)


def test_a_project_is_archived_and_unarchived_once() -> None:
    world = new_world()
    archive, unarchive = (
        kind(project_id=world.project_id) for kind in (ArchiveProject, UnarchiveProject)
    )

    refusal = world.refuse(world.owner, unarchive)
    world.do(world.owner, archive)
    again = world.refuse(world.owner, archive)

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("archived",))
    assert (again.code, again.alternatives) == ("illegal_transition", ("active",))


def test_what_is_in_a_deleted_project_is_not_found_until_it_is_restored() -> None:
    world = new_world()
    task = world.create()
    world.do(world.owner, DeleteProject(project_id=world.project_id))

    assert world.refuse(world.agent, ClaimTask(task_id=task)).code == "not_found"
    assert world.refuse(world.owner, _update(world, name="N")).code == "not_found"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []
    world.do(world.owner, RestoreProject(project_id=world.project_id))

    world.claim(world.agent, task)


def test_a_project_with_leased_tasks_is_not_deleted() -> None:
    world = new_world()
    task, token = world.claimed()
    delete = DeleteProject(project_id=world.project_id)

    assert world.refuse(world.owner, delete).code == "not_allowed"
    world.do(world.agent, CompleteTask(task_id=task, token=token))
    world.do(world.owner, delete)


def test_only_what_is_deleted_is_restored() -> None:
    world = new_world()

    live = world.refuse(world.owner, RestoreProject(project_id=world.project_id))
    nothing = world.refuse(world.owner, RestoreProject(project_id=uuid4()))

    assert (live.code, nothing.code) == ("not_allowed", "not_found")


@pytest.mark.parametrize("kind", [ArchiveProject, UnarchiveProject, DeleteProject, RestoreProject])
def test_the_owners_acts_are_the_owners(kind: type) -> None:
    world = new_world()
    if kind is RestoreProject:
        world.do(world.owner, DeleteProject(project_id=world.project_id))

    codes = [world.refuse(w, kind(project_id=world.project_id)).code for w in _others(world)]

    assert codes == ["not_allowed", "not_a_member"]


def test_a_new_project_may_have_a_budget() -> None:
    world = new_world()
    payload = CreateProject(project_id=uuid7(), slug="costly", name="Costly", budget=BUDGET)

    world.do(world.owner, payload)

    assert world.event()[1]["budget"] == {"tokens": {"hard": 10}}


def _update(world: World, **fields: Any) -> UpdateProject:
    return UpdateProject(project_id=world.project_id, **fields)


def _others(world: World) -> tuple[Any, Any]:
    return world.human, world.stranger
