"""Edges between tasks: where they may go, and what adding and removing them does."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import OnFailure
from jobs.payloads.lifecycle import (
    CancelTask,
    CompleteTask,
)
from jobs.payloads.task import (
    AddDependency,
    CreateTask,
    NewTask,
    RemoveDependency,
)
from tests.unit.rules.tied import edge, kinds, pair, waiting_for
from tests.unit.rules.world import new_world


def test_an_edge_is_added_and_removed_with_an_event_each() -> None:
    world = new_world()
    blocker, task = world.create(), world.create()

    added = world.do(world.human, AddDependency(task_id=task, depends_on_id=blocker))
    assert world.event() == (
        "task.dependency_added",
        {"dependency": {"depends_on_id": blocker, "on_failure": "block"}},
    )
    removed = world.do(world.human, RemoveDependency(task_id=task, depends_on_id=blocker))

    assert (added["unmet_dependencies"], removed["unmet_dependencies"]) == (1, 0)
    assert kinds(world, task) == ["created", "dependency_added", "dependency_removed", "ready"]


def test_an_edge_to_a_completed_task_is_met_from_the_start() -> None:
    world = new_world()
    blocker, task = world.create(), world.create()
    world.do(world.human, CompleteTask(task_id=blocker))

    world.do(world.human, AddDependency(task_id=task, depends_on_id=blocker))
    world.do(world.human, RemoveDependency(task_id=task, depends_on_id=blocker))

    assert kinds(world, task) == ["created", "dependency_added", "dependency_removed"]


def test_an_edge_that_would_cancel_at_once_is_refused() -> None:
    world = new_world()
    blocker, task = world.create(), world.create()
    world.do(world.human, CancelTask(task_id=blocker))
    edge = {"task_id": task, "depends_on_id": blocker}

    refusal = world.refuse(world.human, AddDependency(**edge, on_failure=OnFailure.CANCEL))

    assert (refusal.code, refusal.observed.status) == ("not_allowed", "cancelled")
    world.do(world.human, AddDependency(**edge, on_failure=OnFailure.IGNORE))


def test_an_edge_exists_once() -> None:
    world = new_world()
    blocker, waiting = pair(world)

    again = world.refuse(world.human, AddDependency(task_id=waiting, depends_on_id=blocker))
    world.do(world.human, RemoveDependency(task_id=waiting, depends_on_id=blocker))
    gone = world.refuse(world.human, RemoveDependency(task_id=waiting, depends_on_id=blocker))

    assert (again.code, gone.code) == ("already_exists", "not_found")


def test_edges_form_no_cycle() -> None:
    world = new_world()
    first, second = pair(world)
    third = waiting_for(world, second)

    for blocker in (second, third):
        refusal = world.refuse(world.human, AddDependency(task_id=first, depends_on_id=blocker))
        assert refusal.code == "dependency_cycle"


def test_a_new_tree_may_wait_within_itself_but_not_in_a_circle() -> None:
    world = new_world()
    a, b = uuid7(), uuid7()

    def tree(*edges: tuple[UUID, UUID]) -> CreateTask:
        subtasks = [
            NewTask(task_id=i, title="Part", depends_on=[edge(on) for of, on in edges if of == i])
            for i in (a, b)
        ]
        ids: dict[str, Any] = {"project_id": world.project_id, "task_id": uuid7()}
        return CreateTask(**ids, title="Whole", subtasks=subtasks)

    refusal = world.refuse(world.owner, tree((a, b), (b, a)))
    world.do(world.owner, tree((a, b)))

    assert refusal.code == "dependency_cycle"
    assert (world.task(a).unmet_dependencies, world.task(b).unmet_dependencies) == (1, 0)


def test_a_part_does_not_wait_for_its_whole() -> None:
    world = new_world()
    whole = world.create()
    part = world.create(parent_id=world.create(parent_id=whole))

    refusal = world.refuse(world.human, AddDependency(task_id=part, depends_on_id=whole))

    assert refusal.code == "dependency_cycle"
    world.do(world.human, AddDependency(task_id=whole, depends_on_id=part))


def test_edges_stay_within_a_project() -> None:
    world = new_world()
    elsewhere = world.create_project(uuid7())
    blocker, task = world.create(project_id=elsewhere), world.create()

    refusal = world.refuse(world.human, AddDependency(task_id=task, depends_on_id=blocker))

    assert refusal.code == "invalid"


def test_what_is_settled_waits_for_nobody() -> None:
    world = new_world()
    blocker, task = world.create(), world.create()
    world.do(world.human, CompleteTask(task_id=task))

    refusal = world.refuse(world.human, AddDependency(task_id=task, depends_on_id=blocker))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("review",))


def test_a_stranger_ties_nothing() -> None:
    world = new_world()
    blocker, waiting = pair(world)
    other = world.create()

    for payload in (
        AddDependency(task_id=other, depends_on_id=blocker),
        RemoveDependency(task_id=waiting, depends_on_id=blocker),
    ):
        assert world.refuse(world.stranger, payload).code == "not_a_member"
