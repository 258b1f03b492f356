"""A task moves with all that is below it, within its project and without going round."""

from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from jobs.payloads.lifecycle import CancelTask, CompleteTask
from jobs.payloads.task import MAX_TREE_DEPTH, MoveTask
from tests.unit.rules.world import World, new_world


def test_a_task_moves_under_another_and_back_to_the_top() -> None:
    world = new_world()
    parent, task = world.create(), world.create()

    moved = world.do(world.human, MoveTask(task_id=task, parent_id=parent))
    assert (moved["parent_id"], world.event()) == (parent, ("task.moved", {"parent_id": parent}))
    assert world.refuse(world.human, CompleteTask(task_id=parent)).code == "open_subtasks"
    world.do(world.human, MoveTask(task_id=task, parent_id=None))

    world.do(world.human, CompleteTask(task_id=parent))


def test_what_is_below_a_task_moves_with_it() -> None:
    world = new_world()
    parent, task = world.create(), world.create()
    below = world.create(parent_id=task)

    world.do(world.human, MoveTask(task_id=task, parent_id=parent))
    world.do(world.human, CancelTask(task_id=parent))

    assert world.task(below).status == "cancelled"


def test_a_task_does_not_hang_below_itself() -> None:
    world = new_world()
    task = world.create()
    grandchild = world.create(parent_id=world.create(parent_id=task))

    for parent in (task, grandchild):
        refusal = world.refuse(world.human, MoveTask(task_id=task, parent_id=parent))
        assert refusal.code == "dependency_cycle"


def test_a_task_stays_in_its_project() -> None:
    world = new_world()
    task, elsewhere = world.create(), world.create(project_id=world.create_project(uuid7()))

    refusal = world.refuse(world.human, MoveTask(task_id=task, parent_id=elsewhere))

    assert refusal.code == "invalid"


def test_a_moved_tree_is_no_deeper_than_a_new_one() -> None:
    world = new_world()
    chain = _chain(world, MAX_TREE_DEPTH - 1)
    task = world.create()
    world.create(parent_id=task)

    refusal = world.refuse(world.human, MoveTask(task_id=task, parent_id=chain[-1]))

    assert refusal.code == "limit_exceeded"
    world.do(world.human, MoveTask(task_id=task, parent_id=chain[-2]))


def test_an_open_task_moves_under_open_ones_only() -> None:
    world = new_world()
    done, task, other = world.create(), world.create(), world.create()
    for task_id in (done, other):
        world.do(world.human, CompleteTask(task_id=task_id))

    refusal = world.refuse(world.human, MoveTask(task_id=task, parent_id=done))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("review",))
    world.do(world.human, MoveTask(task_id=other, parent_id=done))


def test_only_members_move_and_only_what_is_there() -> None:
    world = new_world()
    task = world.create()

    stranger = world.refuse(world.stranger, MoveTask(task_id=task, parent_id=None))
    nothing = world.refuse(world.human, MoveTask(task_id=uuid4(), parent_id=None))
    nowhere = world.refuse(world.human, MoveTask(task_id=task, parent_id=uuid4()))

    assert (stranger.code, nothing.code, nowhere.code) == ("not_a_member", "not_found", "not_found")


def _chain(world: World, levels: int) -> list[UUID]:
    """Tasks below one another, the root first."""
    tasks = [world.create()]
    for _ in range(levels - 1):
        tasks.append(world.create(parent_id=tasks[-1]))
    return tasks
