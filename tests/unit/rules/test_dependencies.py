"""Who waits for whom: edges, readiness, and what becomes of those who waited in vain."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import OnFailure
from jobs.payloads.lifecycle import (
    ApproveTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    ReleaseTask,
    ReopenTask,
    RetryTask,
    StartTask,
)
from jobs.payloads.task import (
    AddDependency,
    CreateTask,
    DeleteTask,
    RestoreTask,
)
from tests.unit.rules.tied import edge, kinds, pair, waiting_for
from tests.unit.rules.world import World, new_world


def test_a_task_with_an_unmet_dependency_waits() -> None:
    world = new_world()
    blocker, waiting = pair(world)

    refusal = world.refuse(world.agent, ClaimTask(task_id=waiting))

    assert (refusal.code, refusal.observed.status) == ("dependencies_unmet", "pending")
    assert world.do(world.agent, DispatchTasks(limit=5))["tasks"][0]["id"] == blocker
    assert world.do(world.other, DispatchTasks(limit=5))["tasks"] == []
    assert world.refuse(world.human, StartTask(task_id=waiting)).code == "dependencies_unmet"
    assert world.refuse(world.human, CompleteTask(task_id=waiting)).code == "dependencies_unmet"


def test_completing_the_last_blocker_makes_its_dependent_ready_and_says_so() -> None:
    world = new_world()
    first, second = world.create(), world.create()
    waiting = waiting_for(world, first, second)

    world.do(world.human, CompleteTask(task_id=first))
    assert (world.task(waiting).unmet_dependencies, kinds(world, waiting)) == (1, ["created"])
    world.do(world.human, CompleteTask(task_id=second))

    assert (world.task(waiting).unmet_dependencies, world.task(waiting).version) == (0, 2)
    assert kinds(world, waiting) == ["created", "ready"]
    assert world.event() == ("task.ready", {})
    world.do(world.agent, ClaimTask(task_id=waiting))


def test_approving_a_blocker_completes_it_for_its_dependents() -> None:
    world = new_world()
    blocker = world.submitted()
    waiting = waiting_for(world, blocker)

    world.do(world.human, ApproveTask(task_id=blocker))

    assert kinds(world, waiting) == ["created", "ready"]


def test_deleting_the_last_open_blocker_makes_its_dependent_ready() -> None:
    world = new_world()
    blocker, waiting = pair(world)

    world.do(world.owner, DeleteTask(task_id=blocker))

    assert kinds(world, waiting) == ["created", "ready"]


def test_restoring_a_blocker_makes_its_dependent_wait_again() -> None:
    world = new_world()
    blocker, waiting = pair(world)
    world.do(world.owner, DeleteTask(task_id=blocker))

    world.do(world.owner, RestoreTask(task_id=blocker))

    assert world.task(waiting).unmet_dependencies == 1
    assert world.refuse(world.agent, ClaimTask(task_id=waiting)).code == "dependencies_unmet"


def test_a_cancelled_blocker_that_is_restored_cancels_nobody_anew() -> None:
    world = new_world()
    blocker, working = world.create(), world.started()
    tie = AddDependency(task_id=working, depends_on_id=blocker, on_failure=OnFailure.CANCEL)
    world.do(world.human, tie)
    world.create(parent_id=working)
    world.do(world.human, CancelTask(task_id=blocker))
    world.do(world.human, DeleteTask(task_id=blocker))
    world.do(world.human, ReleaseTask(task_id=working))

    world.do(world.human, RestoreTask(task_id=blocker))

    assert (world.task(working).status, world.task(working).unmet_dependencies) == ("pending", 1)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_blocker_that_came_to_nothing_keeps_its_dependent_waiting_by_default(end: str) -> None:
    world = new_world()
    blocker, waiting = pair(world)

    _end_badly(world, blocker, end)

    assert (world.task(waiting).status, world.task(waiting).unmet_dependencies) == ("pending", 1)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_an_edge_that_ignores_failure_is_met_by_it(end: str) -> None:
    world = new_world()
    blocker, waiting = pair(world, OnFailure.IGNORE)

    _end_badly(world, blocker, end)

    assert kinds(world, waiting) == ["created", "ready"]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_an_edge_that_cancels_cancels_the_dependent_and_all_below_it(end: str) -> None:
    world = new_world()
    blocker, waiting = pair(world, OnFailure.CANCEL)
    below = world.create(parent_id=waiting)
    follower = waiting_for(world, waiting, on_failure=OnFailure.CANCEL)

    _end_badly(world, blocker, end)

    assert [world.task(t).status for t in (waiting, below, follower)] == ["cancelled"] * 3
    last = [event for event in world.board.events if event.entity_id == waiting][-1]
    assert last.data["note"] == {"reason": "a task it depends on came to nothing"}
    assert len({event.job_id for event in world.board.events[-4:]}) == 1


def test_a_chain_of_a_thousand_dependents_is_cancelled_in_one_job() -> None:
    world = new_world()
    first = last = world.create()
    for _ in range(1_000):
        last = _create_unchecked(world, last)

    world.do(world.owner, CancelTask(task_id=first))

    assert world.task(last).status == "cancelled"


def test_who_is_concerned_twice_is_cancelled_once() -> None:
    world = new_world()
    root = world.create()
    first, second = world.create(parent_id=root), world.create(parent_id=root)
    both = [edge(first, OnFailure.CANCEL), edge(second, OnFailure.CANCEL)]
    waiting = world.create(depends_on=both, parent_id=root)

    outcome = world.do(world.owner, CancelTask(task_id=root))

    assert (outcome["cancelled"], world.task(waiting).version) == (4, 2)


def test_an_attempt_that_is_tried_again_fails_nobody_else() -> None:
    world = new_world()
    blocker, waiting = pair(world, OnFailure.CANCEL)
    token = world.claim(world.agent, blocker)

    world.do(world.agent, FailTask(task_id=blocker, token=token, reason="no network"))

    assert (world.task(blocker).status, world.task(waiting).status) == ("pending", "pending")


def test_dependents_that_have_left_pending_go_on() -> None:
    world = new_world()
    blocker, waiting = pair(world, OnFailure.CANCEL)
    world.do(world.human, CompleteTask(task_id=blocker))
    world.do(world.human, StartTask(task_id=waiting))

    world.do(world.owner, ReopenTask(task_id=blocker))
    assert (world.task(waiting).status, world.task(waiting).unmet_dependencies) == (
        "in_progress",
        1,
    )
    world.do(world.owner, CancelTask(task_id=blocker))

    assert world.task(waiting).status == "in_progress"
    world.do(world.human, CompleteTask(task_id=waiting))


def test_retrying_a_failed_blocker_makes_an_ignoring_edge_unmet_again() -> None:
    world = new_world()
    blocker, waiting = pair(world, OnFailure.IGNORE)
    _end_badly(world, blocker, "failed")

    world.do(world.owner, RetryTask(task_id=blocker))

    assert (world.task(waiting).status, world.task(waiting).unmet_dependencies) == ("pending", 1)


def _create_unchecked(world: World, blocker: UUID) -> UUID:
    """As `_waiting_for`, without comparing all of the world each time."""
    task_id = uuid7()
    edges = [edge(blocker, OnFailure.CANCEL)]
    payload = CreateTask(
        project_id=world.project_id, task_id=task_id, title="Next", depends_on=edges
    )
    world.decide(world.owner, payload)
    return task_id


def _end_badly(world: World, task_id: UUID, end: str) -> None:
    if end == "cancelled":
        world.do(world.owner, CancelTask(task_id=task_id))
    else:
        token = world.claim(world.agent, task_id)
        failure = FailTask(task_id=task_id, token=token, reason="no use", permanent=True)
        world.do(world.agent, failure)
