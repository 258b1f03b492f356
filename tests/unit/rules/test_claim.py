"""claim and dispatch: who gets which task, and what comes with it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import ProjectStatus, TaskStatus, WorkerKind
from jobs.payloads.lifecycle import ClaimTask, DispatchTasks, FailTask
from jobs.payloads.project import AddMember
from jobs.payloads.task import AssignTask
from tests.unit.rules.world import NOON, World, new_world


def test_a_claim_assigns_leases_and_tells_what_is_to_be_done() -> None:
    world = new_world()
    task_id = world.create(description="Two pages", attributes={"tone": "dry"})

    (told,) = world.do(world.agent, ClaimTask(task_id=task_id, lease_seconds=90))["tasks"]

    expires_at = NOON + timedelta(seconds=90)
    assert told == {
        "id": task_id,
        "version": 2,
        "title": "Write the text",
        "description": "Two pages",
        "attributes": {"tone": "dry"},
        "attempt": 1,
        "token": 1,
        "expires_at": expires_at,
    }
    task, lease = world.task(task_id), world.lease(task_id)
    assert (task.status, task.assignee_id, task.last_token) == ("in_progress", world.agent, 1)
    assert task.started_at == NOON
    assert lease is not None
    assert (lease.holder_id, lease.token, lease.expires_at) == (world.agent, 1, expires_at)


def test_a_claim_is_one_event_that_carries_the_lease() -> None:
    world = new_world()

    world.claimed()

    kind, data = world.event()
    assert kind == "task.claimed"
    assert data["lease"] == {
        "holder_id": world.agent,
        "token": 1,
        "expires_at": NOON + timedelta(seconds=60),
        "previous_assignee_id": None,
    }


def test_the_second_claimant_gets_nothing() -> None:
    world = new_world()
    task_id, _ = world.claimed()

    refusal = world.refuse(world.other, ClaimTask(task_id=task_id))

    assert refusal.code == "leased_to_other"
    assert (refusal.observed.status, refusal.observed.version) == ("in_progress", 2)


def test_the_holder_cannot_claim_again_what_it_holds() -> None:
    world = new_world()
    task_id, _ = world.claimed()

    assert world.refuse(world.agent, ClaimTask(task_id=task_id)).code == "not_allowed"


def test_a_human_may_claim_too() -> None:
    world = new_world()
    task_id, _ = world.claimed(world.human)

    lease = world.lease(task_id)
    assert lease is not None
    assert lease.holder_id == world.human


def test_only_pending_tasks_can_be_claimed() -> None:
    world = new_world()
    task_id = world.submitted()

    refusal = world.refuse(world.other, ClaimTask(task_id=task_id))

    assert refusal.code == "illegal_transition"
    assert refusal.alternatives == ("cancelled", "completed", "in_progress", "pending")


def test_who_is_no_member_claims_nothing() -> None:
    world = new_world()

    refusal = world.refuse(world.stranger, ClaimTask(task_id=world.create()))

    assert refusal.code == "not_a_member"


def test_the_system_cannot_claim() -> None:
    world = new_world()

    assert world.refuse(None, ClaimTask(task_id=world.create())).code == "not_allowed"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"run_after": NOON + timedelta(seconds=1)}, "not_allowed"),
        ({"required_capabilities": ["french"]}, "not_allowed"),
    ],
)
def test_a_task_that_is_not_ready_cannot_be_claimed(fields: dict[str, Any], code: str) -> None:
    world = new_world()
    task_id = world.create(**fields)

    refusal = world.refuse(world.agent, ClaimTask(task_id=task_id))

    assert refusal.code == code
    assert world.do(world.agent, DispatchTasks())["tasks"] == []


def test_a_task_becomes_ready_when_its_time_has_come() -> None:
    world = new_world()
    task_id = world.create(run_after=NOON + timedelta(minutes=1))

    world.pass_time(minutes=1)

    assert world.claim(world.agent, task_id) == 1


def test_a_task_assigned_to_another_cannot_be_claimed() -> None:
    world = new_world()
    task_id = world.create(assignee_id=world.other)

    assert world.refuse(world.agent, ClaimTask(task_id=task_id)).code == "not_allowed"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []
    assert world.claim(world.other, task_id) == 1


def test_a_task_with_unmet_dependencies_cannot_be_claimed() -> None:
    world = new_world()
    task_id = world.create()
    world.task(task_id).unmet_dependencies = 2

    refusal = world.refuse(world.agent, ClaimTask(task_id=task_id))

    assert refusal.code == "dependencies_unmet"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []


def test_an_archived_project_gives_nothing_out() -> None:
    world = new_world()
    task_id = world.create()
    world.project().status = ProjectStatus.ARCHIVED

    refusal = world.refuse(world.agent, ClaimTask(task_id=task_id))

    assert refusal.code == "not_allowed"
    assert refusal.observed.status == "archived"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []


def test_a_deleted_project_gives_nothing_out() -> None:
    world = new_world()
    task_id = world.create()
    world.project().deleted_at = NOON

    assert world.refuse(world.agent, ClaimTask(task_id=task_id)).code == "not_found"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []


def test_a_deleted_task_cannot_be_claimed() -> None:
    world = new_world()
    task_id = world.create()
    world.task(task_id).deleted_at = NOON

    assert world.refuse(world.agent, ClaimTask(task_id=task_id)).code == "not_found"
    assert world.do(world.agent, DispatchTasks())["tasks"] == []


def test_a_deactivated_worker_is_given_nothing_new() -> None:
    world = new_world()
    task_id = world.create()
    world.worker(world.agent).deactivated_at = NOON

    assert world.refuse(world.agent, ClaimTask(task_id=task_id)).code == "not_allowed"
    assert world.refuse(world.agent, DispatchTasks()).code == "not_allowed"


def test_room_is_counted_within_a_batch() -> None:
    world = new_world()
    agent = _agent_with_room(world, 2)
    first, second, third = world.create(), world.create(), world.create()
    token = world.claim(agent, first)
    world.claim(agent, second)

    assert world.refuse(agent, ClaimTask(task_id=third)).code == "limit_exceeded"
    assert world.do(agent, DispatchTasks(limit=5))["tasks"] == []

    world.do(agent, FailTask(task_id=first, token=token, reason="out of ideas", permanent=True))
    assert _given(world, agent, limit=5) == [third]


def test_dispatch_gives_no_more_than_asked_for_or_there_is_room_for() -> None:
    world = new_world()
    agent = _agent_with_room(world, 2)
    tasks = [world.create() for _ in range(4)]

    assert _given(world, world.other, limit=1) == tasks[:1]
    assert _given(world, agent, limit=5) == tasks[1:3]


def test_dispatch_goes_by_priority_then_due_then_age_then_id() -> None:
    world = new_world()
    soon, later = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    ids = sorted(uuid7() for _ in range(2))
    low = world.create(priority="low", due_at=soon)
    undated = [world.create(task_id=task_id) for task_id in reversed(ids)]
    world.pass_time(seconds=1)
    youngest = world.create()
    due_later = world.create(due_at=later)
    due_soon = world.create(due_at=soon)
    critical = world.create(priority="critical")
    high = world.create(priority="high")

    order = _given(world, world.agent, limit=10)

    assert order == [critical, high, due_soon, due_later, undated[1], undated[0], youngest, low]


def test_dispatch_leaves_tasks_of_other_projects_alone() -> None:
    world = new_world()
    world.create()
    world.board.candidates = {}

    assert _given(world, world.stranger, limit=5) == []


def test_two_who_ask_in_one_batch_get_different_tasks() -> None:
    world = new_world()
    tasks = [world.create() for _ in range(3)]
    offered = [(world.tenant_id, task_id) for task_id in tasks]
    for worker_id in (world.agent, world.other):
        world.board.candidates[world.tenant_id, worker_id] = list(offered)

    assert _given(world, world.agent, limit=2) == tasks[:2]
    assert _given(world, world.other, limit=2) == tasks[2:]


def test_dispatch_prefers_nobody_but_sees_its_own_assigned_tasks() -> None:
    world = new_world()
    mine = world.create(assignee_id=world.agent)

    assert _given(world, world.agent, limit=1) == [mine]


def test_each_new_lease_has_a_higher_token() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="crashed"))

    assert world.claim(world.other, task_id) == token + 1


def test_who_asks_for_work_is_seen_at_most_once_a_minute() -> None:
    world = new_world()
    world.do(world.agent, DispatchTasks())
    assert world.worker(world.agent).last_seen_at == NOON

    world.pass_time(seconds=60)
    world.claimed()
    assert world.worker(world.agent).last_seen_at == NOON

    world.pass_time(seconds=1)
    world.claimed()
    assert world.worker(world.agent).last_seen_at == NOON + timedelta(seconds=61)
    assert world.worker(world.agent).version == 1


def test_a_new_member_is_given_tasks_in_the_same_batch() -> None:
    world = new_world()
    task_id = world.create()
    world.do(world.owner, AddMember(project_id=world.project_id, worker_id=world.stranger))

    world.do(world.owner, AssignTask(task_id=task_id, worker_id=world.stranger))

    assert _given(world, world.stranger, limit=1) == [task_id]
    assert world.task(task_id).status is TaskStatus.IN_PROGRESS


def _given(world: World, worker_id: UUID, *, limit: int) -> list[UUID]:
    told = world.do(worker_id, DispatchTasks(limit=limit))["tasks"]
    return [task["id"] for task in told]


def _agent_with_room(world: World, room: int) -> UUID:
    agent = world.register(uuid7(), WorkerKind.AGENT, max_concurrent_tasks=room)
    world.do(world.owner, AddMember(project_id=world.project_id, worker_id=agent))
    return agent
