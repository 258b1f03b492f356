"""What becomes of recurring tasks when their due time comes."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from jobs.payloads.lifecycle import CancelTask, CompleteTask, RecurTask, StartTask
from jobs.payloads.task import DeleteTask
from tests.unit.rules.recurring import DAY, DUE, daily, followed
from tests.unit.rules.world import NOON, World, new_world


@pytest.fixture
def world() -> World:
    return new_world()


def recur(world: World, task_id: UUID) -> RecurTask:
    stored = world.task(task_id).recurrence or {}
    scheduled_at = datetime.fromisoformat(stored["scheduled_at"])
    return RecurTask(task_id=task_id, scheduled_at=scheduled_at)


def test_a_task_that_became_due_recurs_and_stays_open(world: World) -> None:
    task_id = world.create(assignee_id=world.human, **daily(trigger="on_due"))
    world.do(world.human, StartTask(task_id=task_id))
    world.pass_time(hours=1)

    answer = world.do(None, recur(world, task_id))

    new = followed(world, task_id)
    assert answer["successor_id"] == new.id
    assert (new.due_at, new.status, new.assignee_id) == (DUE + DAY, "pending", world.human)
    assert world.task(task_id).status == "in_progress"


def test_a_leased_task_that_became_due_goes_on_with_its_holder(world: World) -> None:
    task_id, token = world.claimed(**daily(trigger="both"))
    world.pass_time(hours=1)

    world.do(None, recur(world, task_id))

    assert followed(world, task_id).assignee_id is None
    world.do(world.agent, CompleteTask(task_id=task_id, token=token))


def test_the_series_may_end_when_its_last_occurrence_becomes_due(world: World) -> None:
    task_id = world.create(**daily(trigger="on_due", max_occurrences=1))
    world.pass_time(hours=1)

    answer = world.do(None, recur(world, task_id))

    assert answer["successor_id"] is None
    assert world.refuse(None, recur(world, task_id)).code == "aborted"


def test_completion_and_the_due_time_make_one_successor_together(world: World) -> None:
    first, second = (world.create(**daily(trigger="both")) for _ in range(2))
    world.pass_time(hours=1)

    world.do(world.human, CompleteTask(task_id=first))
    world.do(None, recur(world, second))
    world.do(world.human, CompleteTask(task_id=second))

    assert world.refuse(None, recur(world, first)).code == "aborted"
    assert len(world.board.tasks) == 4


def test_before_its_due_time_nothing_recurs(world: World) -> None:
    task_id = world.create(**daily(trigger="on_due"))
    no_longer_due = world.create(**daily(trigger="on_due"))
    world.task(no_longer_due).due_at = None

    for one in (task_id, no_longer_due):
        assert world.refuse(None, recur(world, one)).code == "aborted"


@pytest.mark.parametrize("fields", [{}, daily(trigger="on_complete")])
def test_what_does_not_recur_when_due_is_left_alone(world: World, fields: dict[str, Any]) -> None:
    task_id = world.create(**fields)
    world.pass_time(hours=1)

    refusal = world.refuse(None, RecurTask(task_id=task_id, scheduled_at=DUE))

    assert refusal.code == "aborted"


def test_another_occurrences_time_recurs_nothing(world: World) -> None:
    task_id = world.create(**daily(trigger="on_due"))
    world.pass_time(hours=1)

    refusal = world.refuse(None, RecurTask(task_id=task_id, scheduled_at=NOON))

    assert refusal.code == "aborted"


@pytest.mark.parametrize(("end", "code"), [(CancelTask, "aborted"), (DeleteTask, "not_found")])
def test_a_cancelled_or_deleted_task_ends_its_series(world: World, end: Any, code: str) -> None:
    task_id = world.create(**daily(trigger="on_due"))
    world.do(world.owner, end(task_id=task_id))
    world.pass_time(hours=1)

    assert world.refuse(None, recur(world, task_id)).code == code
