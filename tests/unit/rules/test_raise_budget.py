"""raise_budget: what its owner grants a task, and when stopped work goes on."""

from uuid import UUID

from jobs.entities import TaskStatus
from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import ClaimTask, FailTask, ReportUsage
from jobs.payloads.task import RaiseBudget
from tests.unit.rules.world import World, new_world

USED = Usage(tokens=1_000)
ENOUGH = Budget(tokens=Limit(soft=1_500, hard=2_000))


def stopped(world: World) -> UUID:
    """A task that the agent has used up the budget of."""
    task_id, token = world.claimed(budget=Budget(tokens=Limit(hard=1_000)))
    world.do(world.agent, ReportUsage(task_id=task_id, token=token, usage=USED))
    return task_id


def last_kinds(world: World, number: int) -> list[str]:
    return [event.kind for event in world.board.events[-number:]]


def test_only_the_owner_raises_a_budget() -> None:
    world = new_world()
    task_id = stopped(world)

    refusal = world.refuse(world.human, RaiseBudget(task_id=task_id, budget=ENOUGH))

    assert refusal.code == "not_allowed"
    world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))


def test_the_system_raises_budgets_too() -> None:
    world = new_world()

    world.do(None, RaiseBudget(task_id=stopped(world), budget=ENOUGH))


def test_stopped_work_goes_on_with_the_raise_and_its_agent_claims_it_again() -> None:
    world = new_world()
    task_id = stopped(world)

    told = world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))

    task = world.task(task_id)
    assert told["status"] == task.status == "pending"
    assert (task.blocked_reason, task.assignee_id) == (None, world.agent)
    assert task.budget == {"tokens": {"soft": 1_500, "hard": 2_000}}
    assert last_kinds(world, 2) == ["task.budget_raised", "task.unblocked"]
    assert world.refuse(world.other, ClaimTask(task_id=task_id)).code == "not_allowed"
    world.claim(world.agent, task_id)


def test_a_human_goes_on_at_once() -> None:
    world = new_world()
    task_id = world.started(budget=Budget(tokens=Limit(hard=1_000)))
    world.do(world.human, ReportUsage(task_id=task_id, usage=USED))

    world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))

    assert world.task(task_id).status == "in_progress"
    assert world.task(task_id).assignee_id == world.human


def test_a_task_that_is_nobodys_any_more_is_free_for_all_when_it_goes_on() -> None:
    world = new_world()
    task_id = stopped(world)
    world.task(task_id).assignee_id = None

    world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))

    world.claim(world.other, task_id)


def test_a_raise_that_is_not_enough_is_kept_and_the_task_stays_blocked() -> None:
    world = new_world()
    task_id = stopped(world)
    little = Budget(tokens=Limit(hard=1_000), attempts=Limit(hard=5))

    told = world.do(world.owner, RaiseBudget(task_id=task_id, budget=little))

    assert told["status"] == "blocked"
    assert world.task(task_id).budget == {"tokens": {"hard": 1_000}, "attempts": {"hard": 5}}
    assert last_kinds(world, 1) == ["task.budget_raised"]


def test_a_task_stays_blocked_while_its_project_has_no_budget_left() -> None:
    world = new_world()
    task_id = stopped(world)
    world.project().budget = {"tokens": {"hard": 1_000}}

    assert world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))["status"] == "blocked"
    world.project().budget = {"tokens": {"hard": 1_001}}
    assert world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))["status"] == "pending"


def test_the_limits_that_are_raised_are_announced_when_they_are_reached_in_turn() -> None:
    world = new_world()
    task_id = stopped(world)
    world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))
    token = world.claim(world.agent, task_id)

    told = world.do(world.agent, ReportUsage(task_id=task_id, token=token, usage=USED))

    assert told["status"] == "blocked"
    announced = ["task.budget_warned", "task.budget_exceeded", "task.blocked"]
    assert last_kinds(world, 3) == announced


def test_a_raise_moves_no_task_that_something_else_stopped() -> None:
    world = new_world()
    task_id = world.blocked(leased=False)
    world.task(task_id).blocked_reason = "waits for the printer"

    world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))

    assert world.task(task_id).status == "blocked"


def test_a_budget_is_raised_while_work_goes_on_and_after_it_came_to_nothing() -> None:
    world = new_world()
    task_id, token = world.claimed()

    assert world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))["status"] == (
        TaskStatus.IN_PROGRESS
    )
    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="no", permanent=True))
    world.do(world.owner, RaiseBudget(task_id=task_id, budget=ENOUGH))

    assert world.task(task_id).status == "failed"
