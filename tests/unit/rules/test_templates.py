"""Subtasks that come again with their parent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.board import Board
from jobs.entities import Task
from jobs.errors import KinUnknown
from jobs.payloads.lifecycle import CompleteTask
from jobs.payloads.task import AddDependency, DeleteTask, NewTask
from jobs.rules import decide
from tests.unit.rules.narrowing import narrowed
from tests.unit.rules.recurring import DAY, DUE, daily, followed
from tests.unit.rules.world import World, new_world


@pytest.fixture
def world() -> World:
    return new_world()


def weekly_tree(world: World, *subtasks: NewTask) -> UUID:
    return world.create(subtasks=list(subtasks), **daily(clone_subtasks=True))


def node(title: str, *subtasks: NewTask, **fields: Any) -> NewTask:
    return NewTask(task_id=uuid7(), title=title, subtasks=list(subtasks), **fields)


def complete(world: World, task_id: UUID) -> None:
    world.do(world.owner, CompleteTask(task_id=task_id, cascade=True))


def below(world: World, task: Task) -> dict[str, Task]:
    """The live subtasks of the task, at any depth, by title."""
    found: dict[str, Task] = {}
    for key in world.board.children[task.key]:
        child = world.board.tasks[key]
        found |= {child.title: child} | below(world, child)
    return found


def test_the_whole_tree_comes_again_at_the_same_distance_from_its_due_time(world: World) -> None:
    earlier = DUE - timedelta(minutes=30)
    task_id = weekly_tree(
        world, node("a", node("b", due_at=earlier, tags=["x"]), run_after=earlier), node("c")
    )

    complete(world, task_id)

    new = followed(world, task_id)
    copies = below(world, new)
    assert {title: copy.status for title, copy in copies.items()} == dict.fromkeys("abc", "pending")
    assert copies["b"].parent_id == copies["a"].id
    assert (copies["a"].run_after, copies["b"].due_at) == (earlier + DAY, earlier + DAY)
    assert (copies["b"].tags, copies["c"].due_at) == (["x"], None)
    assert world.counted() == (8, 1)


def test_without_clone_subtasks_the_task_comes_alone(world: World) -> None:
    task_id = world.create(subtasks=[node("a")], **daily())

    complete(world, task_id)

    assert below(world, followed(world, task_id)) == {}


def test_what_was_deleted_does_not_come_again(world: World) -> None:
    gone, kept = node("gone", node("below it")), node("kept")
    task_id = weekly_tree(world, gone, kept)
    world.do(world.owner, DeleteTask(task_id=gone.task_id))

    complete(world, task_id)

    assert below(world, followed(world, task_id)).keys() == {"kept"}


def test_dependencies_between_subtasks_do_not_come_again(world: World) -> None:
    first, second = node("first"), node("second")
    task_id = weekly_tree(world, first, second)
    world.do(world.owner, AddDependency(task_id=second.task_id, depends_on_id=first.task_id))

    complete(world, task_id)

    copy = below(world, followed(world, task_id))["second"]
    assert copy.unmet_dependencies == 0
    assert world.board.blockers[copy.key] == set()


def test_of_a_subtask_that_recurs_only_the_last_occurrence_comes_again(world: World) -> None:
    often = node("often", **daily())
    task_id = weekly_tree(world, often)
    world.do(world.owner, CompleteTask(task_id=often.task_id))

    complete(world, task_id)

    copies = below(world, followed(world, task_id))
    assert copies["often"].recurrence is None
    assert world.counted()[0] == 5


def test_humans_keep_their_subtasks_and_agents_claim_them_anew(world: World) -> None:
    task_id = weekly_tree(
        world,
        node("human", assignee_id=world.human),
        node("agent", assignee_id=world.agent),
        node("nobody"),
    )

    complete(world, task_id)

    copies = below(world, followed(world, task_id))
    assert {title: copy.assignee_id for title, copy in copies.items()} == {
        "human": world.human,
        "agent": None,
        "nobody": None,
    }


def test_the_subtasks_come_again_with_each_occurrence(world: World) -> None:
    task_id = weekly_tree(world, node("a", node("b")))

    complete(world, task_id)
    second = followed(world, task_id)
    complete(world, second.id)

    third = below(world, followed(world, second.id))
    assert third.keys() == {"a", "b"}
    assert len({task.id for task in world.board.tasks.values()}) == 9


def test_a_tree_too_large_to_be_made_by_one_job_is_refused(world: World) -> None:
    task_id = weekly_tree(world, *(node("many") for _ in range(499)))
    world.create(parent_id=task_id)

    refusal = world.refuse(world.owner, CompleteTask(task_id=task_id, cascade=True))

    assert refusal.code == "limit_exceeded"


def test_subtasks_that_were_not_read_are_asked_for(world: World) -> None:
    task_id = weekly_tree(world, node("a"))
    job = world.job(world.owner, CompleteTask(task_id=task_id, cascade=True))
    unread: Board = narrowed(world.board, job)
    unread.templates.clear()

    with pytest.raises(KinUnknown):
        decide(unread, job)
