"""What the events of an entity say, without I/O: the fold of every prefix is the row of then."""

from copy import deepcopy
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from jobs.changes import own_columns
from jobs.difference import Changed, difference, reason
from jobs.entities import Event, Priority, Role, Task, TaskStatus
from jobs.fold import TaskState, fold_project, fold_task, fold_worker
from jobs.outcomes import Applied
from jobs.payloads.lifecycle import CancelTask, ReportProgress
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CommentTask,
    DeleteTask,
    PurgeTask,
    RemoveDependency,
)
from tests.lives import Lives
from tests.unit.rules.world import NOON, World, new_world

Rows = dict[tuple[UUID, int], dict[str, Any]]
"""What a task's rows were, by id and version."""


def stored(event: Event) -> Event:
    """The event as it comes back from the database: its data was JSON on the way."""
    values = {name: getattr(event, name) for name in Event.__slots__}
    return Event(**values | {"data": from_json(to_json(event.data))})


def history(world: World, entity_id: UUID) -> list[Event]:
    return [stored(event) for event in world.board.events if event.entity_id == entity_id]


def rows(world: World, task: Task) -> dict[str, Any]:
    """The task's own columns and parts, as its tables hold them now."""
    board = world.board
    edges = [edge for edge in board.dependencies.values() if edge.dependent == task.key]
    return own_columns(deepcopy(task)) | {
        "version": task.version,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "lease": board.leases.get(task.key),
        "comments": [c for c in board.new_comments if c.task_id == task.id],
        "dependencies": {edge.depends_on_id: edge for edge in edges},
    }


def folded(state: TaskState) -> dict[str, Any]:
    task = state.task
    return own_columns(task) | {
        "version": task.version,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "lease": state.lease,
        "comments": state.comments,
        "dependencies": state.dependencies,
    }


def lived(seed: int, steps: int) -> tuple[World, Rows]:
    """A world after some random steps, and what its tasks' rows were on the way."""
    random = Random(seed)  # noqa: S311 - a life, not a secret
    world, past = new_world(), Rows()
    lives = Lives(world, random)
    for _ in range(steps):
        world.pass_time(seconds=random.randint(0, 5))
        actor_id, payload = lives.next()
        verdict = world.apply(world.job(actor_id, payload))
        if isinstance(verdict, Applied):
            lives.learn(actor_id, payload, verdict.result)
        for task in world.board.tasks.values():
            past.setdefault((task.id, task.version), rows(world, task))
    return world, past


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_fold_up_to_every_version_is_the_row_of_that_version(seed: int) -> None:
    world, past = lived(seed, steps=40)

    for (task_id, version), then in past.items():
        state = fold_task(history(world, task_id)[:version])
        assert folded(state) == then


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_a_difference_applied_to_the_older_row_gives_the_newer_one(seed: int) -> None:
    world, past = lived(seed, steps=30)

    for task in world.board.tasks.values():
        events = history(world, task.id)
        for version in range(1, task.version + 1):
            if (task.id, version) in past:
                found = difference(events, version, task.version)
                new = {changed.name: changed.new for changed in found.changed}
                assert own_columns(task).items() <= (past[task.id, version] | new).items()
                assert [event.seq for event in found.events] == [
                    *range(version + 1, task.version + 1)
                ]


def test_values_have_the_types_of_their_columns() -> None:
    world = new_world()
    due = NOON + timedelta(days=1)
    task_id, _ = world.claimed(priority="high", due_at=due)

    task = fold_task(history(world, task_id)).task

    assert type(task.status) is TaskStatus
    assert type(task.priority) is Priority
    assert isinstance(task.assignee_id, UUID)
    assert (task.due_at, task.started_at) == (due, NOON)


def test_a_removed_dependency_is_gone_and_stands_in_the_past() -> None:
    world = new_world()
    blocker, task_id = world.create(), world.create()
    world.do(world.owner, AddDependency(task_id=task_id, depends_on_id=blocker))
    world.do(world.owner, RemoveDependency(task_id=task_id, depends_on_id=blocker))

    events = history(world, task_id)

    assert list(fold_task(events[:2]).dependencies) == [blocker]
    assert fold_task(events[:3]).dependencies == {}


def test_after_a_purge_nothing_that_was_said_is_left() -> None:
    world = new_world()
    task_id = world.create(description="Secret")
    world.do(world.owner, CommentTask(task_id=task_id, comment_id=uuid7(), body="Secret too"))
    world.do(world.owner, DeleteTask(task_id=task_id))
    world.do(None, PurgeTask(task_id=task_id))

    state = fold_task(history(world, task_id))

    assert state.comments == []
    assert own_columns(state.task) == own_columns(world.task(task_id))


def test_a_project_folds_to_its_row_and_its_members() -> None:
    world = new_world(approval_policy="all", attributes={"colour": "red"})

    state = fold_project(history(world, world.project_id))

    assert own_columns(state.project) == own_columns(world.project())
    assert state.project.version == world.project().version
    assert set(state.members) == {world.owner, world.human, world.agent, world.other}
    assert state.members[world.owner].role is Role.OWNER


def test_a_worker_folds_to_its_row() -> None:
    world = new_world()

    state = fold_worker(history(world, world.agent))

    assert own_columns(state.worker) == own_columns(world.worker(world.agent))


def test_a_history_with_a_missing_event_is_refused() -> None:
    world = new_world()
    task_id, _ = world.claimed()
    world.do(world.owner, CommentTask(task_id=task_id, comment_id=uuid7(), body="Hm"))
    events = history(world, task_id)

    for broken in (events[1:], events[:1] + events[2:], events[::-1]):
        with pytest.raises(ValueError, match="missing or out of order"):
            fold_task(broken)


def test_what_never_happened_has_no_state() -> None:
    with pytest.raises(ValueError, match="without events"):
        fold_task([])


def test_the_events_of_something_else_are_refused() -> None:
    world = new_world()

    with pytest.raises(ValueError, match="events of a worker"):
        fold_task(history(world, world.agent))


def test_a_difference_names_old_and_new_values_and_who_acted() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.do(world.agent, ReportProgress(task_id=task_id, token=token, percent=40))
    world.do(world.owner, CancelTask(task_id=task_id, reason="Too late"))

    found = difference(history(world, task_id), 2, 4)

    assert Changed("progress", 0, 40) in found.changed
    assert Changed("status", TaskStatus.IN_PROGRESS, TaskStatus.CANCELLED) in found.changed
    assert [event.actor_id for event in found.events] == [world.agent, world.owner]
    assert [reason(event) for event in found.events] == [None, "Too late"]


def test_a_difference_can_be_read_backwards() -> None:
    world = new_world()
    task_id = world.create()
    world.do(world.owner, AssignTask(task_id=task_id, worker_id=world.human))

    found = difference(history(world, task_id), 2, 1)

    assert found.changed == [Changed("assignee_id", world.human, None)]
    assert [event.kind for event in found.events] == ["task.assigned"]


def test_a_difference_of_a_version_with_itself_is_empty() -> None:
    world = new_world()
    task_id, _ = world.claimed()

    found = difference(history(world, task_id), 2, 2)

    assert (found.changed, found.events) == ([], [])
