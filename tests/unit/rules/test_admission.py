"""What is asked before any rule runs: tenant, time, and who may ask at all."""

from datetime import timedelta

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import TaskStatus
from jobs.payloads.lifecycle import CancelTask, ExpireLease
from jobs.payloads.task import CommentTask
from tests.unit.rules.world import NOON, new_world


def test_a_tenant_that_nobody_knows_is_not_found() -> None:
    world = new_world()
    task_id = world.create()
    del world.board.tenants[world.tenant_id]

    assert world.refuse(world.owner, CancelTask(task_id=task_id)).code == "not_found"


def test_a_suspended_tenant_changes_nothing() -> None:
    world = new_world()
    task_id = world.create()
    world.board.tenants[world.tenant_id].suspended_at = NOON

    assert world.refuse(world.owner, CancelTask(task_id=task_id)).code == "tenant_suspended"
    assert world.refuse(None, CancelTask(task_id=task_id)).code == "tenant_suspended"


@pytest.mark.parametrize("late_by", [0, 1])
def test_a_job_is_refused_from_its_expiry_on(late_by: int) -> None:
    world = new_world()
    task_id = world.create()
    expires_at = NOON - timedelta(seconds=late_by)

    refusal = world.refuse(world.owner, CancelTask(task_id=task_id), expires_at=expires_at)

    assert refusal.code == "expired"


def test_a_job_is_applied_until_its_expiry() -> None:
    world = new_world()
    job = CancelTask(task_id=world.create())

    world.do(world.owner, job, expires_at=NOON + timedelta(microseconds=1))

    assert world.task(job.task_id).status is TaskStatus.CANCELLED


def test_system_kinds_are_refused_on_the_wire() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.pass_time(hours=1)

    refusal = world.refuse(None, ExpireLease(task_id=task_id, token=token), trusted=False)

    assert refusal.code == "not_allowed"


def test_nobody_is_an_actor_on_the_wire_but_to_begin() -> None:
    world = new_world()
    job = CancelTask(task_id=world.create())

    assert world.refuse(None, job, trusted=False).code == "not_allowed"
    world.do(None, job)


def test_an_actor_that_nobody_knows_is_not_found() -> None:
    world = new_world()

    assert world.refuse(uuid7(), CancelTask(task_id=world.create())).code == "not_found"


def test_a_deactivated_actor_does_nothing() -> None:
    world = new_world()
    task_id = world.create()
    world.worker(world.human).deactivated_at = NOON
    job = CommentTask(task_id=task_id, comment_id=uuid7(), body="Hello")

    refusal = world.refuse(world.human, job)

    assert refusal.code == "not_allowed"


def test_an_id_of_another_tenant_is_not_found() -> None:
    here, there = new_world(), new_world()
    task_id = there.create()
    here.board.tasks.update(there.board.tasks)

    assert here.refuse(here.owner, CancelTask(task_id=task_id)).code == "not_found"
