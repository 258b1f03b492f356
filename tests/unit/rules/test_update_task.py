"""Changing a definition: only what is given changes, null clears, races are noticed."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.entities import Priority
from jobs.payloads.lifecycle import CompleteTask, FailTask
from jobs.payloads.project import ArchiveProject
from jobs.payloads.task import UpdateTask
from jobs.recurrence import Recurrence
from tests.unit.rules.world import NOON, new_world

TOMORROW = NOON + timedelta(days=1)


def test_only_the_fields_that_are_given_change() -> None:
    world = new_world()
    task = world.create(description="Long", tags=["a"], due_at=TOMORROW)

    updated = world.do(world.human, UpdateTask(task_id=task, title="New", priority="high"))

    row = world.task(task)
    assert (row.title, row.priority, row.description) == ("New", Priority.HIGH, "Long")
    assert updated["changed"] == ["priority", "title"]
    assert world.event() == ("task.updated", {"title": "New", "priority": Priority.HIGH})


def test_an_explicit_null_clears_a_field() -> None:
    world = new_world()
    task = world.create(description="Long", due_at=TOMORROW)

    world.do(world.human, UpdateTask(task_id=task, due_at=None))

    assert (world.task(task).due_at, world.task(task).description) == (None, "Long")


def test_what_is_so_already_is_no_event() -> None:
    world = new_world()
    task = world.create()
    events = len(world.board.events)

    updated = world.do(world.human, UpdateTask(task_id=task, title=world.task(task).title))

    assert (updated["changed"], updated["version"], len(world.board.events)) == ([], 1, events)


def test_an_update_that_saw_another_version_is_refused() -> None:
    world = new_world()
    task = world.create()
    world.do(world.human, UpdateTask(task_id=task, title="First", expected_version=1))

    refusal = world.refuse(
        world.owner, UpdateTask(task_id=task, title="Second", expected_version=1)
    )

    assert (refusal.code, refusal.observed.version) == ("version_conflict", 2)


def test_a_settled_task_can_be_renamed() -> None:
    world = new_world()
    task = world.create()
    world.do(world.human, CompleteTask(task_id=task))

    world.do(world.human, UpdateTask(task_id=task, title="Done well"))

    assert world.task(task).status == "completed"


def test_no_fewer_attempts_are_allowed_than_were_made() -> None:
    world = new_world()
    task, token = world.claimed(max_attempts=5)
    world.do(world.agent, FailTask(task_id=task, token=token, reason="no"))
    token = world.claim(world.agent, task)
    world.do(world.agent, FailTask(task_id=task, token=token, reason="no"))

    assert world.refuse(world.human, UpdateTask(task_id=task, max_attempts=1)).code == "invalid"
    world.do(world.human, UpdateTask(task_id=task, max_attempts=2))


def test_a_task_begins_and_ceases_to_recur() -> None:
    world = new_world()
    task = world.create(due_at=TOMORROW)
    daily = Recurrence(rule="FREQ=DAILY")

    world.do(world.human, UpdateTask(task_id=task, recurrence=daily))
    recurrence = world.task(task).recurrence
    world.do(world.human, UpdateTask(task_id=task, recurrence=None))

    assert recurrence is not None
    assert (recurrence["series_id"], recurrence["occurrence"]) == (str(task), 1)
    assert world.task(task).recurrence is None


@pytest.mark.parametrize("fields", [{"recurrence": Recurrence(rule="FREQ=DAILY")}, {}])
def test_what_recurs_has_a_due_time(fields: dict[str, Any]) -> None:
    world = new_world()
    recurring: dict[str, Any] = {
        "due_at": TOMORROW,
        "recurrence": Recurrence(rule="FREQ=DAILY"),
    }
    task = world.create(**({} if fields else recurring))
    payload = UpdateTask(task_id=task, **(fields or {"due_at": None}))

    assert world.refuse(world.human, payload).code == "invalid"


def test_only_members_change_tasks_and_only_in_active_projects() -> None:
    world = new_world()
    task = world.create()
    payload = UpdateTask(task_id=task, title="Mine")

    assert world.refuse(world.stranger, payload).code == "not_a_member"
    world.do(world.owner, ArchiveProject(project_id=world.project_id))
    assert world.refuse(world.human, payload).code == "not_allowed"
