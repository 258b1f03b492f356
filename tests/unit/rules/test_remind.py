from datetime import timedelta

import pytest

from jobs.payloads.lifecycle import CancelTask, CompleteTask, RemindTask
from jobs.payloads.task import DeleteTask
from tests.unit.rules.world import NOON, World, new_world

DUE = NOON + timedelta(hours=24)


@pytest.fixture
def world() -> World:
    return new_world()


def test_a_reminder_is_an_event_and_changes_nothing_else(world: World) -> None:
    task_id = world.create(due_at=DUE, assignee_id=world.human)

    answer = world.do(None, RemindTask(task_id=task_id, due_at=DUE, horizon="24h"))

    assert world.event() == ("task.reminded", {"reminder": {"horizon": "24h", "due_at": DUE}})
    assert answer == {"task_id": task_id, "status": "pending", "version": 2}


def test_nobody_is_reminded_of_what_is_nobodys(world: World) -> None:
    task_id = world.create(due_at=DUE)

    refusal = world.refuse(None, RemindTask(task_id=task_id, due_at=DUE, horizon="1h"))

    assert refusal.code == "aborted"


def test_nobody_is_reminded_of_what_is_settled(world: World) -> None:
    done = world.create(due_at=DUE, assignee_id=world.human)
    cancelled = world.create(due_at=DUE, assignee_id=world.human)
    world.do(world.human, CompleteTask(task_id=done))
    world.do(world.owner, CancelTask(task_id=cancelled))

    refusals = [
        world.refuse(None, RemindTask(task_id=task_id, due_at=DUE, horizon="5m"))
        for task_id in (done, cancelled)
    ]

    assert [refusal.code for refusal in refusals] == ["aborted", "aborted"]


def test_nobody_is_reminded_of_what_is_deleted(world: World) -> None:
    task_id = world.create(due_at=DUE, assignee_id=world.human)
    world.do(world.owner, DeleteTask(task_id=task_id))

    refusal = world.refuse(None, RemindTask(task_id=task_id, due_at=DUE, horizon="5m"))

    assert refusal.code == "not_found"


def test_a_reminder_of_another_due_time_is_void(world: World) -> None:
    task_id = world.create(due_at=DUE, assignee_id=world.human)
    earlier = DUE - timedelta(hours=1)

    refusal = world.refuse(None, RemindTask(task_id=task_id, due_at=earlier, horizon="1h"))

    assert refusal.code == "aborted"


def test_nobody_is_reminded_when_the_time_has_come(world: World) -> None:
    task_id = world.create(due_at=DUE, assignee_id=world.human)
    world.pass_time(hours=24)

    refusal = world.refuse(None, RemindTask(task_id=task_id, due_at=DUE, horizon="5m"))

    assert refusal.code == "aborted"


def test_only_the_system_reminds(world: World) -> None:
    task_id = world.create(due_at=DUE, assignee_id=world.human)
    reminder = RemindTask(task_id=task_id, due_at=DUE, horizon="24h")

    refusal = world.refuse(world.owner, reminder, trusted=False)

    assert refusal.code == "not_allowed"
