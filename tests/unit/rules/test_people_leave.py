"""Whoever leaves a project, or is deactivated, holds nothing and is given nothing."""

from uuid import UUID

import pytest

from jobs.payloads.lifecycle import (
    ClaimTask,
    CompleteTask,
    ExpireLease,
    ReleaseTask,
    SubmitTask,
)
from jobs.payloads.project import AddMember, RemoveMember
from jobs.payloads.task import AssignTask
from jobs.payloads.worker import DeactivateWorker, ReactivateWorker, UpdateWorker
from tests.unit.rules.world import World, new_world


def test_a_member_who_is_removed_loses_his_open_tasks_and_leases() -> None:
    world = new_world()
    assigned, done = world.create(assignee_id=world.agent), world.create(assignee_id=world.agent)
    held, token = world.claimed()
    world.do(world.owner, CompleteTask(task_id=done))

    removed = world.do(world.owner, _removal(world, world.agent))

    assert [world.task(t).assignee_id for t in (assigned, held, done)] == [None, None, world.agent]
    assert (world.task(held).status, world.lease(held)) == ("pending", None)
    assert (removed["unassigned"], world.task(held).attempt) == (2, 0)
    late = world.refuse(world.agent, CompleteTask(task_id=held, token=token))
    assert late.code == "not_a_member"
    assert world.refuse(world.agent, ClaimTask(task_id=assigned)).code == "not_a_member"
    refusal = world.refuse(world.owner, AssignTask(task_id=held, worker_id=world.agent))
    assert refusal.code == "not_a_member"


def test_each_entity_that_a_removal_touches_tells_of_it_by_the_one_job() -> None:
    world = new_world()
    task = world.create(assignee_id=world.human)

    world.do(world.owner, _removal(world, world.human))

    project_event, task_event = world.board.events[-2:]
    assert (project_event.kind, task_event.kind) == ("project.member_removed", "task.unassigned")
    assert project_event.data["member"]["role"] is None
    assert task_event.entity_id == task
    assert project_event.job_id == task_event.job_id


def test_a_human_at_work_leaves_his_task_to_others() -> None:
    world = new_world()
    working, reviewed = world.started(), world.started()
    world.do(world.human, SubmitTask(task_id=reviewed))

    world.do(world.owner, _removal(world, world.human))

    statuses = [(world.task(t).status, world.task(t).assignee_id) for t in (working, reviewed)]
    assert statuses == [("pending", None), ("review", None)]


def test_a_task_does_not_come_back_to_somebody_who_left() -> None:
    """Whatever ends the lease of the one who has it now."""
    world = new_world()
    tasks = [world.create(assignee_id=world.human) for _ in range(2)]
    for task in tasks:
        world.do(world.owner, AssignTask(task_id=task, worker_id=world.agent))
    released, expired = [(task, world.claim(world.agent, task)) for task in tasks]
    for task, _ in (released, expired):
        lease = world.lease(task)
        assert lease is not None
        lease.previous_assignee_id = world.human

    world.do(world.owner, _removal(world, world.human))
    world.do(world.agent, ReleaseTask(task_id=released[0], token=released[1]))
    world.pass_time(minutes=2)
    world.do(None, ExpireLease(task_id=expired[0], token=expired[1]))

    assert [world.task(task).assignee_id for task in tasks] == [None, None]


def test_the_owner_stays_and_who_is_no_member_cannot_go() -> None:
    world = new_world()

    owner = world.refuse(world.owner, _removal(world, world.owner))
    nobody = world.refuse(world.owner, _removal(world, world.stranger))
    asked_by_a_member = world.refuse(world.human, _removal(world, world.agent))

    assert [r.code for r in (owner, nobody, asked_by_a_member)] == [
        "not_allowed",
        "not_found",
        "not_allowed",
    ]


def test_who_was_removed_can_be_added_again() -> None:
    world = new_world()
    world.do(world.owner, _removal(world, world.agent))

    member = AddMember(project_id=world.project_id, worker_id=world.agent)
    world.do(world.owner, member)

    world.claimed()


def test_a_deactivated_worker_holds_and_is_given_nothing() -> None:
    world = new_world()
    assigned = world.create(assignee_id=world.agent)
    held, _ = world.claimed()

    gone = world.do(world.human, DeactivateWorker(worker_id=world.agent))

    assert gone["unassigned"] == 2
    assert [world.task(t).assignee_id for t in (assigned, held)] == [None, None]
    assert (world.task(held).status, world.lease(held)) == ("pending", None)
    assert world.refuse(world.agent, ClaimTask(task_id=held)).code == "not_allowed"
    refusal = world.refuse(world.owner, AssignTask(task_id=held, worker_id=world.agent))
    assert refusal.code == "not_allowed"


def test_a_reactivated_worker_works_again() -> None:
    world = new_world()
    world.do(world.agent, DeactivateWorker(worker_id=world.agent))

    world.do(world.owner, ReactivateWorker(worker_id=world.agent))

    world.claimed()
    refusal = world.refuse(world.owner, ReactivateWorker(worker_id=world.agent))
    assert refusal.code == "not_allowed"


def test_nobody_is_deactivated_twice() -> None:
    world = new_world()
    world.do(world.human, DeactivateWorker(worker_id=world.agent))

    refusal = world.refuse(world.human, DeactivateWorker(worker_id=world.agent))

    assert refusal.code == "not_allowed"


@pytest.mark.parametrize("payload", [DeactivateWorker, ReactivateWorker, UpdateWorker])
def test_agents_change_nobody_but_themselves(payload: type) -> None:
    world = new_world()
    if payload is ReactivateWorker:
        world.do(None, DeactivateWorker(worker_id=world.other))
    fields = {"name": "Other"} if payload is UpdateWorker else {}

    refusal = world.refuse(world.agent, payload(worker_id=world.other, **fields))

    assert refusal.code == "not_allowed"
    world.do(world.human, payload(worker_id=world.other, **fields))


def _removal(world: World, worker_id: UUID) -> RemoveMember:
    return RemoveMember(project_id=world.project_id, worker_id=worker_id)
