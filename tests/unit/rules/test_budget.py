"""Budgets: what is used adds up, limits are announced once, and hard ones stop the work."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jobs.errors import KinUnknown
from jobs.payloads.base import Payload
from jobs.payloads.budget import MAX_REPORT, Budget, Limit, Usage
from jobs.payloads.lifecycle import (
    CompleteTask,
    ExpireLease,
    FailTask,
    ReportProgress,
    ReportUsage,
    SubmitTask,
)
from tests.unit.rules.world import World, new_world

ENDS: list[tuple[type[Payload], dict[str, Any], str]] = [
    (SubmitTask, {}, "review"),
    (CompleteTask, {}, "completed"),
    (FailTask, {"reason": "no network"}, "pending"),
]
REPORTS: list[tuple[type[Payload], dict[str, Any]]] = [
    (ReportUsage, {}),
    (ReportProgress, {"percent": 50}),
]
HARD = Budget(tokens=Limit(hard=1_000))
SOFT = Budget(tokens=Limit(soft=1_000))
AMOUNTS = st.builds(
    Usage,
    tokens=st.integers(0, 400),
    money_micros=st.integers(0, 400),
    wall_seconds=st.integers(0, 400),
)


def limited_project(budget: dict[str, Any]) -> World:
    world = new_world()
    world.project().budget = budget
    return world


def report(world: World, task_id: UUID, token: int, **used: int) -> dict[str, Any]:
    payload = ReportUsage(task_id=task_id, token=token, usage=Usage(**used))
    return world.do(world.agent, payload)


def announcements(world: World, entity_id: UUID) -> list[str]:
    events = (event.kind for event in world.board.events if event.entity_id == entity_id)
    return [kind for kind in events if ".budget_" in kind]


@given(reports=st.lists(st.tuples(st.integers(0, 1), AMOUNTS), max_size=8))
def test_reports_add_up_on_the_task_and_in_its_project(reports: list[tuple[int, Usage]]) -> None:
    world = new_world()
    claimed = [world.claimed(), world.claimed()]

    for which, usage in reports:
        task_id, token = claimed[which]
        world.do(world.agent, ReportUsage(task_id=task_id, token=token, usage=usage))

    tally = world.board.tally[world.tenant_id, world.project_id]
    for name in ("tokens", "money_micros", "wall_seconds"):
        used = [(world.task(task_id).usage or {}).get(name, 0) for task_id, _ in claimed]
        sums = [sum(getattr(u, name) for n, u in reports if n == which) for which in (0, 1)]
        assert used == sums
        assert getattr(tally, name) == sum(sums)


@given(amounts=st.permutations([1, 20, 300, 4_000]))
def test_the_order_of_reports_does_not_change_the_sum(amounts: list[int]) -> None:
    world = new_world()
    task_id, token = world.claimed()

    for tokens in amounts:
        report(world, task_id, token, tokens=tokens)

    assert world.task(task_id).usage == {"tokens": 4_321}


@given(amounts=st.lists(st.integers(0, 400), max_size=12), hard=st.integers(0, 1_500))
def test_work_stops_with_the_report_that_reaches_the_hard_limit(
    amounts: list[int], hard: int
) -> None:
    world = new_world()
    task_id, token = world.claimed(budget=Budget(tokens=Limit(hard=hard)))

    used = 0
    for tokens in amounts:
        used += tokens
        told = report(world, task_id, token, tokens=tokens)
        stops = used > 0 and used >= hard
        assert told["status"] == ("blocked" if stops else "in_progress")
        if stops:
            break

    stopped = world.task(task_id).status == "blocked"
    assert announcements(world, task_id) == ["task.budget_exceeded"] * stopped


def test_a_report_of_nothing_books_nothing() -> None:
    world = new_world()
    task_id, token = world.claimed()

    report(world, task_id, token)

    assert world.task(task_id).usage is None
    assert world.event() == ("task.usage_reported", {})


def test_one_report_is_too_small_to_break_the_sums() -> None:
    nine_million = 9_000_000

    with pytest.raises(ValidationError):
        Usage(tokens=MAX_REPORT + 1)

    assert nine_million * Usage(tokens=MAX_REPORT).tokens < 2**63


@pytest.mark.parametrize(("payload", "fields"), REPORTS)
def test_stopped_work_ends_the_lease_and_stays_its_holders(
    payload: type[Payload], fields: dict[str, Any]
) -> None:
    world = new_world()
    task_id, token = world.claimed(budget=HARD)

    world.do(
        world.agent,
        payload(task_id=task_id, token=token, usage=Usage(tokens=1_000), **fields),
    )

    task = world.task(task_id)
    assert (task.status, task.blocked_reason) == ("blocked", "budget")
    assert (task.assignee_id, task.usage) == (world.agent, {"tokens": 1_000})
    assert world.lease(task_id) is None
    kinds = [event.kind for event in world.board.events[-3:]]
    assert kinds[1:] == ["task.budget_exceeded", "task.blocked"]


def test_progress_without_usage_is_not_stopped() -> None:
    world = new_world()
    task_id, token = world.claimed(budget=Budget(attempts=Limit(hard=1)))
    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="no network"))
    token = world.claim(world.agent, task_id)

    world.do(world.agent, ReportProgress(task_id=task_id, token=token, percent=50))

    assert world.task(task_id).status == "in_progress"


def test_work_begun_under_a_budget_that_is_used_up_stops_with_its_first_report() -> None:
    world = new_world()
    task_id, token = world.claimed(budget=Budget(attempts=Limit(hard=1)))
    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="no network"))
    token = world.claim(world.agent, task_id)

    told = report(world, task_id, token, tokens=1)

    assert told["status"] == "blocked"
    assert announcements(world, task_id) == ["task.budget_exceeded"]


def test_the_soft_limit_is_announced_once_and_stops_nothing() -> None:
    world = new_world()
    task_id, token = world.claimed(budget=SOFT)

    for tokens in (999, 1, 1):
        report(world, task_id, token, tokens=tokens)

    assert world.task(task_id).status == "in_progress"
    assert announcements(world, task_id) == ["task.budget_warned"]
    warning = next(e for e in world.board.events if e.kind == "task.budget_warned")
    assert warning.data == {"note": {"what": "tokens", "limit": 1_000, "used": 1_000}}


def test_one_report_may_reach_both_limits() -> None:
    world = new_world()
    both = Budget(money_micros=Limit(soft=10, hard=20))
    task_id, token = world.claimed(budget=both)

    report(world, task_id, token, money_micros=30)

    assert announcements(world, task_id) == ["task.budget_warned", "task.budget_exceeded"]


@pytest.mark.parametrize(("payload", "fields", "status"), ENDS)
def test_usage_told_at_the_end_is_booked_and_announced_and_blocks_nothing(
    payload: type[Payload], fields: dict[str, Any], status: str
) -> None:
    world = new_world()
    task_id, token = world.claimed(budget=HARD)

    world.do(
        world.agent,
        payload(task_id=task_id, token=token, usage=Usage(tokens=2_000), **fields),
    )

    task = world.task(task_id)
    assert task.status == status
    assert task.usage is not None
    assert task.usage["tokens"] == 2_000
    assert announcements(world, task_id) == ["task.budget_exceeded"]
    assert world.board.tally[world.tenant_id, world.project_id].tokens == 2_000


def test_each_try_that_ended_badly_is_booked() -> None:
    world = new_world()
    task_id, token = world.claimed(budget=Budget(attempts=Limit(soft=1, hard=2)))
    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="no network"))
    token = world.claim(world.agent, task_id)
    world.pass_time(minutes=2)

    world.do(None, ExpireLease(task_id=task_id, token=token))

    assert world.task(task_id).usage == {"attempts": 2}
    assert world.board.tally[world.tenant_id, world.project_id].attempts == 2
    assert announcements(world, task_id) == ["task.budget_warned", "task.budget_exceeded"]


def test_tasks_spend_together_from_the_budget_of_their_project() -> None:
    world = limited_project({"tokens": {"soft": 500, "hard": 1_000}})
    first, second = world.claimed(), world.claimed()

    assert report(world, *first, tokens=600)["status"] == "in_progress"
    assert report(world, *second, tokens=400)["status"] == "blocked"

    limits = ["project.budget_warned", "project.budget_exceeded"]
    assert announcements(world, world.project_id) == limits
    assert announcements(world, second[0]) == []
    assert world.task(first[0]).status == "in_progress"


def test_all_who_report_are_stopped_once_the_project_has_no_budget_left() -> None:
    world = limited_project({"tokens": {"hard": 1_000}})
    first, second = world.claimed(), world.claimed()
    report(world, *first, tokens=1_000)

    told = report(world, *second, tokens=1)

    assert told["status"] == "blocked"
    assert announcements(world, world.project_id) == ["project.budget_exceeded"]


def test_what_limits_nothing_is_not_announced() -> None:
    world = limited_project({"tokens": {"hard": 1_000}})
    task_id, token = world.claimed(budget=Budget(wall_seconds=Limit(soft=60)))

    report(world, task_id, token, money_micros=10**9, wall_seconds=59, tokens=999)

    assert world.task(task_id).status == "in_progress"
    assert announcements(world, task_id) + announcements(world, world.project_id) == []


def test_a_budget_that_its_batch_did_not_read_is_read_again() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.project().budget = {"tokens": {"hard": 1_000}}

    with pytest.raises(KinUnknown):
        world.decide(world.agent, ReportUsage(task_id=task_id, token=token, usage=Usage(tokens=1)))


def test_a_task_under_a_lease_that_ran_out_blocked_books_no_attempt() -> None:
    world = new_world()
    task_id = world.blocked(leased=True)
    world.task(task_id).blocked_reason = "waits for the printer"
    world.board.now += timedelta(minutes=2)

    world.do(None, ExpireLease(task_id=task_id, token=1))

    assert world.task(task_id).usage is None
