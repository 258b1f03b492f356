"""What follows a recurring task that is completed."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.entities import ProjectStatus, TaskStatus
from jobs.payloads.lifecycle import ApproveTask, CancelTask, CompleteTask
from jobs.recurrence import Recurrence
from jobs.rules.recur import redefined
from tests.unit.rules.recurring import DAY, DUE, daily, followed, successor
from tests.unit.rules.world import NOON, World, new_world


@pytest.fixture
def world() -> World:
    return new_world()


def test_completion_makes_the_next_occurrence_pending_and_with_the_same_definition(
    world: World,
) -> None:
    definition: dict[str, Any] = {
        "title": "Water the plants",
        "description": "All of them",
        "tags": ["office"],
        "attributes": {"litres": 2},
        "required_capabilities": ["can"],
        "max_attempts": 5,
        "run_after": DUE - timedelta(minutes=90),
        "assignee_id": world.human,
    }
    task_id = world.create(priority="high", **definition, **daily())

    world.do(world.human, CompleteTask(task_id=task_id, result="done"))

    task, new = world.task(task_id), followed(world, task_id)
    assert (new.status, new.progress, new.attempt, new.result) == ("pending", 0, 0, None)
    assert (new.created_by_id, new.parent_id, new.version) == (world.owner, None, 1)
    assert (new.due_at, new.run_after) == (DUE + DAY, DUE + DAY - timedelta(minutes=90))
    same = (definition.keys() - {"run_after"}) | {"priority", "budget", "project_id"}
    assert {name: getattr(new, name) for name in same} == {n: getattr(task, n) for n in same}
    assert world.counted() == (2, 1)


def test_the_finished_occurrence_names_its_successor(world: World) -> None:
    task_id = world.create(**daily())

    answer = world.do(world.human, CompleteTask(task_id=task_id))

    recurrence, new = world.task(task_id).recurrence, followed(world, task_id)
    assert [event.kind for event in world.board.events[-3:]] == [
        "task.completed", "task.recurred", "task.created",
    ]  # fmt: skip
    assert world.board.events[-2].data == {"recurrence": recurrence}
    assert answer["version"] == 3
    assert new.recurrence == {
        "rule": "FREQ=DAILY",
        "trigger": "on_complete",
        "clone_subtasks": False,
        "timezone": "UTC",
        "series_id": str(task_id),
        "occurrence": 2,
        "scheduled_at": (DUE + DAY).isoformat(),
    }


def test_late_completion_leaves_out_what_has_passed_and_early_completion_nothing(
    world: World,
) -> None:
    early, late = world.create(**daily()), world.create(**daily())

    world.do(world.human, CompleteTask(task_id=early))
    world.pass_time(days=10)
    world.do(world.human, CompleteTask(task_id=late))

    assert followed(world, early).due_at == DUE + DAY
    assert followed(world, late).due_at == DUE + 10 * DAY


def test_a_changed_due_time_moves_this_occurrence_only(world: World) -> None:
    task_id = world.create(run_after=DUE, **daily())
    world.task(task_id).due_at = DUE + timedelta(hours=5)

    world.do(world.human, CompleteTask(task_id=task_id))

    new = followed(world, task_id)
    assert (new.due_at, new.run_after) == (DUE + DAY, DUE + DAY - timedelta(hours=5))


def test_a_task_whose_due_time_was_cleared_recurs_by_its_schedule(world: World) -> None:
    task_id = world.create(run_after=DUE, **daily())
    world.task(task_id).due_at = None

    world.do(world.human, CompleteTask(task_id=task_id))

    new = followed(world, task_id)
    assert (new.due_at, new.run_after) == (DUE + DAY, DUE + DAY)


def test_a_reopened_task_that_is_completed_again_has_one_successor(world: World) -> None:
    task_id = world.create(**daily())
    world.do(world.human, CompleteTask(task_id=task_id))
    first = followed(world, task_id)
    world.task(task_id).status = TaskStatus.REVIEW  # as if reopened

    world.do(world.owner, ApproveTask(task_id=task_id))

    assert followed(world, task_id) is first
    assert len(world.board.tasks) == 2


def test_the_series_ends_after_its_last_occurrence(world: World) -> None:
    task_id = world.create(**daily(max_occurrences=2))
    world.do(world.human, CompleteTask(task_id=task_id))
    last = followed(world, task_id)

    world.do(world.human, CompleteTask(task_id=last.id))

    assert successor(world, last.id) is None
    assert world.event() == ("task.series_ended", {"recurrence": last.recurrence})
    assert (last.recurrence or {})["successor_id"] is None


def test_the_series_ends_when_its_rule_does(world: World) -> None:
    task_id = world.create(**daily(rule="FREQ=DAILY;UNTIL=20261123"))

    world.do(world.human, CompleteTask(task_id=task_id))

    assert world.event()[0] == "task.series_ended"


@pytest.mark.parametrize("way", ["cancel", "on_due", "once"])
def test_nothing_follows_unless_completion_is_to_make_it(world: World, way: str) -> None:
    trigger = "on_due" if way == "on_due" else "both"
    task_id = world.create(**({} if way == "once" else daily(trigger=trigger)))
    end = CancelTask if way == "cancel" else CompleteTask

    world.do(world.owner, end(task_id=task_id))

    assert len(world.board.tasks) == 1


def test_in_an_archived_project_the_series_waits(world: World) -> None:
    task_id = world.create(**daily())
    world.project().status = ProjectStatus.ARCHIVED

    world.do(world.human, CompleteTask(task_id=task_id))

    assert len(world.board.tasks) == 1
    assert "successor_id" not in (world.task(task_id).recurrence or {})


def test_the_successor_of_a_claimed_task_is_whose_it_was_before(world: World) -> None:
    task_id = world.create(assignee_id=world.agent, **daily())
    unassigned, token = world.claimed(**daily())
    own = world.claim(world.agent, task_id)

    world.do(world.agent, CompleteTask(task_id=task_id, token=own))
    world.do(world.agent, CompleteTask(task_id=unassigned, token=token))

    assert followed(world, task_id).assignee_id == world.agent
    assert followed(world, unassigned).assignee_id is None


def test_an_agent_keeps_what_was_given_to_it_but_not_what_it_once_took(world: World) -> None:
    given = world.create(assignee_id=world.agent, **daily())
    taken = world.submitted(**daily())

    world.do(world.human, CompleteTask(task_id=given))
    world.do(world.owner, ApproveTask(task_id=taken))

    assert followed(world, given).assignee_id == world.agent
    assert followed(world, taken).assignee_id is None


def test_a_successor_is_not_given_to_somebody_who_left(world: World) -> None:
    inactive, removed = (world.create(**daily()) for _ in range(2))
    world.task(inactive).assignee_id = world.human
    world.worker(world.human).deactivated_at = NOON
    world.task(removed).assignee_id = world.stranger

    world.do(world.owner, CompleteTask(task_id=inactive))
    world.do(world.owner, CompleteTask(task_id=removed))

    assert followed(world, inactive).assignee_id is None
    assert followed(world, removed).assignee_id is None


def test_a_subtask_recurs_below_its_parent(world: World) -> None:
    parent = world.create()
    task_id = world.create(parent_id=parent, **daily())

    world.do(world.human, CompleteTask(task_id=task_id))

    assert followed(world, task_id).parent_id == parent
    refusal = world.refuse(world.human, CompleteTask(task_id=parent))
    assert refusal.code == "open_subtasks"


def test_a_task_that_is_to_recur_by_another_rule_stays_in_its_series(world: World) -> None:
    task_id, single = world.create(**daily(max_occurrences=1)), world.create()
    weekly = Recurrence(rule="FREQ=WEEKLY")
    place = {"series_id": str(task_id), "occurrence": 1, "scheduled_at": NOON.isoformat()}

    begun = redefined(world.task(single), weekly, NOON)
    world.do(world.human, CompleteTask(task_id=task_id))
    going_on = redefined(world.task(task_id), weekly, NOON)
    followed_by = (world.task(task_id).recurrence or {}) | {"successor_id": str(single)}
    world.task(task_id).recurrence = followed_by
    still_followed = redefined(world.task(task_id), weekly, NOON)

    rule = weekly.model_dump(exclude_none=True)
    assert begun == rule | place | {"series_id": str(single)}
    assert going_on == rule | place
    assert still_followed == rule | place | {"successor_id": str(single)}
