"""task.create: one task or a tree, or nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import Priority, ProjectStatus
from jobs.payloads.lifecycle import CancelTask, CompleteTask
from jobs.payloads.task import CreateTask
from tests.unit.rules.world import NOON, World, new_world


def test_a_new_task_is_pending_and_counted() -> None:
    world = new_world()

    task_id = world.create(priority="critical", tags=["web"], due_at=NOON + timedelta(days=1))

    task = world.task(task_id)
    assert (task.status, task.progress, task.attempt, task.last_token) == ("pending", 0, 0, 0)
    assert (task.priority, task.tags) == (Priority.CRITICAL, ["web"])
    assert (task.created_by_id, task.created_at, task.version) == (world.owner, NOON, 1)
    assert world.counted() == (1, 0)


def test_the_first_event_carries_the_whole_task() -> None:
    world = new_world()

    world.create(title="Draw the map", required_capabilities=["drawing"])

    kind, data = world.event()
    assert kind == "task.created"
    assert (data["title"], data["required_capabilities"]) == ("Draw the map", ["drawing"])
    assert "unmet_dependencies" not in data


def test_a_tree_is_made_whole() -> None:
    world = new_world()
    root, child, grandchild, sibling = (uuid7() for _ in range(4))
    tree = _node(root, _node(child, _node(grandchild)), _node(sibling))

    told = world.do(world.human, CreateTask(project_id=world.project_id, **tree))

    assert told["task_ids"] == [root, child, grandchild, sibling]
    parents = [world.task(task_id).parent_id for task_id in told["task_ids"]]
    assert parents == [None, root, child, root]
    assert world.counted() == (4, 0)


def test_one_bad_task_refuses_the_whole_tree() -> None:
    world = new_world()
    known = world.create()
    tree = _node(uuid7(), _node(uuid7()), _node(known))

    refusal = world.refuse(world.owner, CreateTask(project_id=world.project_id, **tree))

    assert refusal.code == "already_exists"
    assert (refusal.observed.status, refusal.observed.version) == ("pending", 1)


def test_an_id_means_one_thing_even_across_kinds() -> None:
    world = new_world()

    for taken in (world.project_id, world.agent):
        job = CreateTask(project_id=world.project_id, task_id=taken, title="Twice")
        assert world.board.tasks.get((world.tenant_id, taken)) is None
        assert world.refuse_on_the_board(world.owner, job).code == "already_exists"


def test_a_deleted_tasks_id_is_not_free_again() -> None:
    world = new_world()
    task_id = world.create()
    world.task(task_id).deleted_at = NOON
    job = CreateTask(project_id=world.project_id, task_id=task_id, title="Again")

    assert world.refuse(world.owner, job).code == "already_exists"


def test_a_task_may_be_assigned_at_birth_to_a_member_only() -> None:
    world = new_world()

    assert world.task(world.create(assignee_id=world.agent)).assignee_id == world.agent
    for assignee_id, code in ((world.stranger, "not_a_member"), (uuid7(), "not_found")):
        refusal = world.refuse(world.owner, _job(world, assignee_id=assignee_id))
        assert refusal.code == code


def test_a_deactivated_worker_is_given_no_new_task() -> None:
    world = new_world()
    world.worker(world.agent).deactivated_at = NOON

    refusal = world.refuse(world.owner, _job(world, assignee_id=world.agent))

    assert (refusal.code, refusal.observed.version) == ("not_allowed", 1)


def test_only_members_create_tasks_and_the_system() -> None:
    world = new_world()

    assert world.refuse(world.stranger, _job(world)).code == "not_a_member"
    world.do(None, _job(world))
    assert world.board.events[-1].actor_name is None


def test_an_archived_project_takes_no_tasks() -> None:
    world = new_world()
    world.project().status = ProjectStatus.ARCHIVED

    assert world.refuse(world.owner, _job(world)).code == "not_allowed"


def test_an_unknown_project_takes_no_tasks() -> None:
    world = new_world()
    job = CreateTask(project_id=uuid7(), task_id=uuid7(), title="Lost")

    assert world.refuse(world.owner, job).code == "not_found"


def test_a_subtask_hangs_below_its_parent() -> None:
    world = new_world()
    parent_id = world.create()

    subtask_id = world.create(parent_id=parent_id)

    assert world.task(subtask_id).parent_id == parent_id
    refusal = world.refuse(world.human, CompleteTask(task_id=parent_id))
    assert refusal.code == "open_subtasks"


def test_a_subtask_lies_in_its_parents_project() -> None:
    world = new_world()
    parent_id = world.create(project_id=world.create_project(uuid7()))

    assert world.refuse(world.owner, _job(world, parent_id=parent_id)).code == "invalid"


def test_a_parent_that_nobody_knows_takes_no_subtasks() -> None:
    world = new_world()

    assert world.refuse(world.owner, _job(world, parent_id=uuid7())).code == "not_found"


@pytest.mark.parametrize(("ending", "legal"), [(CompleteTask, "review"), (CancelTask, "pending")])
def test_a_parent_that_has_ended_takes_no_subtasks(
    ending: type[CompleteTask | CancelTask], legal: str
) -> None:
    world = new_world()
    parent_id = world.create()
    world.do(world.human, ending(task_id=parent_id))

    refusal = world.refuse(world.owner, _job(world, parent_id=parent_id))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", (legal,))


def test_a_tree_is_at_most_sixteen_levels_deep() -> None:
    world = new_world()
    parent_id = None
    for _ in range(15):
        parent_id = world.create(parent_id=parent_id)
    two_levels = _node(uuid7(), _node(uuid7()))
    job = CreateTask(project_id=world.project_id, parent_id=parent_id, **two_levels)

    assert world.refuse(world.owner, job).code == "limit_exceeded"
    deepest = world.create(parent_id=parent_id)
    assert world.refuse(world.owner, _job(world, parent_id=deepest)).code == "limit_exceeded"


def _job(world: World, **fields: Any) -> CreateTask:
    given = {"task_id": uuid7(), "title": "Write the text"} | fields
    return CreateTask(project_id=world.project_id, **given)


def _node(task_id: UUID, *subtasks: dict[str, Any]) -> dict[str, Any]:
    return {"task_id": task_id, "title": "Step", "subtasks": list(subtasks)}
