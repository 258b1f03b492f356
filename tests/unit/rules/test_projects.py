"""project.create and project.add_member: how a project begins."""

from typing import Any

from uuid_utils.compat import uuid7

from jobs.entities import ProjectStatus, Role
from jobs.payloads.project import AddMember, CreateProject
from tests.unit.rules.world import NOON, World, new_world


def test_who_creates_a_project_owns_it() -> None:
    world = new_world()
    job = _project()

    told = world.do(world.human, job)

    assert told == {"project_id": job.project_id, "version": 1}
    member = world.board.members[world.tenant_id, job.project_id, world.human]
    assert (member.role, member.joined_at) == (Role.OWNER, NOON)
    kind, data = world.event()
    assert (kind, data["slug"], data["status"]) == ("project.created", "launch", "active")
    part = {"worker_id": world.human, "role": Role.OWNER, "joined_at": NOON}
    assert data["member"] == part


def test_a_project_is_as_its_job_says() -> None:
    world = new_world()
    given = {"description": "All pages", "approval_policy": "all", "attributes": {"rank": 1}}
    job = _project(**given)

    world.do(world.owner, job)

    project = world.board.projects[world.tenant_id, job.project_id]
    assert {name: getattr(project, name) for name in given} == given


def test_a_project_may_be_created_for_somebody_else() -> None:
    world = new_world()
    job = _project(owner_id=world.human)

    world.do(world.owner, job)

    assert (world.tenant_id, job.project_id, world.owner) not in world.board.members
    assert world.board.members[world.tenant_id, job.project_id, world.human].role is Role.OWNER


def test_a_project_needs_an_owner() -> None:
    world = new_world()

    assert world.refuse(None, _project(), trusted=False).code == "invalid"
    assert world.refuse(world.owner, _project(owner_id=uuid7())).code == "not_found"


def test_only_known_and_active_workers_create_projects() -> None:
    world = new_world()
    world.worker(world.human).deactivated_at = NOON
    job = _project(owner_id=world.owner)

    assert world.refuse(uuid7(), job).code == "not_found"
    assert world.refuse(world.human, job).code == "not_allowed"


def test_a_projects_id_and_slug_are_its_own() -> None:
    world = new_world()
    first = _project()
    world.do(world.owner, first)

    same_id = _project(project_id=first.project_id, slug="other")
    refusal = world.refuse(world.owner, same_id)
    assert (refusal.code, refusal.observed.status) == ("already_exists", "active")
    assert world.refuse(world.owner, _project()).code == "already_exists"


def test_a_slug_that_a_refused_job_wanted_stays_free() -> None:
    world = new_world()

    world.refuse(uuid7(), _project(owner_id=world.owner))

    world.do(world.owner, _project())


def test_the_owner_adds_members() -> None:
    world = new_world()

    told = world.do(world.owner, _membership(world))

    assert told["version"] == 5
    member = world.board.members[world.tenant_id, world.project_id, world.stranger]
    assert member.role is Role.MEMBER
    assert world.event()[0] == "project.member_added"


def test_the_system_adds_members_too() -> None:
    world = new_world()

    world.do(None, _membership(world))


def test_only_the_owner_adds_members() -> None:
    world = new_world()

    assert world.refuse(world.human, _membership(world)).code == "not_allowed"
    assert world.refuse(world.stranger, _membership(world)).code == "not_a_member"


def test_a_member_is_added_once() -> None:
    world = new_world()
    job = AddMember(project_id=world.project_id, worker_id=world.agent)

    assert world.refuse(world.owner, job).code == "already_exists"


def test_only_active_workers_join_and_only_active_projects() -> None:
    world = new_world()
    world.worker(world.stranger).deactivated_at = NOON
    assert world.refuse(world.owner, _membership(world)).code == "not_allowed"

    world.worker(world.stranger).deactivated_at = None
    world.project().status = ProjectStatus.ARCHIVED
    assert world.refuse(world.owner, _membership(world)).code == "not_allowed"


def test_unknown_workers_and_projects_are_not_found() -> None:
    world = new_world()

    unknown_worker = AddMember(project_id=world.project_id, worker_id=uuid7())
    assert world.refuse(world.owner, unknown_worker).code == "not_found"
    unknown_project = AddMember(project_id=uuid7(), worker_id=world.agent)
    assert world.refuse(world.owner, unknown_project).code == "not_found"


def _project(**fields: Any) -> CreateProject:
    given = {"project_id": uuid7(), "slug": "launch", "name": "Launch"} | fields
    return CreateProject(**given)


def _membership(world: World) -> AddMember:
    return AddMember(project_id=world.project_id, worker_id=world.stranger)
