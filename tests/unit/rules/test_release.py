"""Giving a task back undone: it counts as no attempt, and the former assignee has it again."""

import pytest

from jobs.payloads.lifecycle import (
    BlockTask,
    CompleteTask,
    ReleaseTask,
    ReportProgress,
    SubmitTask,
)
from jobs.payloads.task import AssignTask, UnassignTask
from tests.unit.rules.world import new_world


def test_a_holder_gives_his_task_back_and_it_counts_as_no_attempt() -> None:
    world = new_world()
    task, token = world.claimed()

    world.do(world.agent, ReleaseTask(task_id=task, token=token, reason="not mine"))

    row = world.task(task)
    assert (row.status, row.assignee_id, row.attempt) == ("pending", None, 0)
    assert (world.lease(task), row.last_token) == (None, token)
    kind, data = world.event()
    assert kind == "task.released"
    assert data["note"] == {"reason": "not mine", "forced": False}


def test_a_released_task_is_its_former_assignees_again() -> None:
    world = new_world()
    task, token = world.claimed(assignee_id=world.agent)

    world.do(world.agent, ReleaseTask(task_id=task, token=token))

    assert world.task(task).assignee_id == world.agent
    assert world.refuse(world.other, ReleaseTask(task_id=task)).code == "illegal_transition"


def test_an_owner_breaks_a_lease_and_its_token_is_worth_nothing() -> None:
    world = new_world()
    task, token = world.claimed()

    world.do(world.owner, ReleaseTask(task_id=task, force=True))

    late = world.refuse(world.agent, CompleteTask(task_id=task, token=token))
    assert (world.task(task).status, world.task(task).last_token) == ("pending", token + 1)
    assert late.code == "lease_lost"
    assert world.claim(world.other, task) == token + 2


@pytest.mark.parametrize("who", ["human", "agent", "stranger"])
def test_nobody_else_breaks_a_lease(who: str) -> None:
    world = new_world()
    task, _ = world.claimed()

    refusal = world.refuse(getattr(world, who), ReleaseTask(task_id=task, force=True))

    assert refusal.code == ("not_a_member" if who == "stranger" else "not_allowed")


def test_there_must_be_a_lease_to_be_broken() -> None:
    world = new_world()

    refusal = world.refuse(world.owner, ReleaseTask(task_id=world.started(), force=True))

    assert refusal.code == "invalid"


def test_a_human_gives_back_what_he_works_on() -> None:
    world = new_world()
    task = world.started()

    world.do(world.human, ReleaseTask(task_id=task))

    assert (world.task(task).status, world.task(task).assignee_id) == ("pending", world.human)


def test_a_blocked_task_whose_lease_is_released_stays_blocked() -> None:
    world = new_world()
    task, token = world.claimed()
    stuck = BlockTask(task_id=task, token=token, reason="no key", keep_lease=True)
    world.do(world.agent, stuck)

    world.do(world.agent, ReleaseTask(task_id=task, token=token))

    assert (world.task(task).status, world.lease(task)) == ("blocked", None)


def test_a_stale_token_releases_nothing() -> None:
    world = new_world()
    task, token = world.claimed()
    world.do(world.owner, ReleaseTask(task_id=task, force=True))
    world.claim(world.other, task)

    refusal = world.refuse(world.agent, ReleaseTask(task_id=task, token=token))

    assert refusal.code == "leased_to_other"


@pytest.mark.parametrize("status", ["pending", "in_progress", "review"])
def test_an_unassigned_task_is_nobodys(status: str) -> None:
    world = new_world()
    task = world.create(assignee_id=world.human) if status == "pending" else world.started()
    if status == "review":
        world.do(world.human, SubmitTask(task_id=task))

    world.do(world.owner, UnassignTask(task_id=task))

    is_open_to_others = "pending" if status == "in_progress" else status
    assert (world.task(task).status, world.task(task).assignee_id) == (is_open_to_others, None)
    assert world.event()[0] == "task.unassigned"


def test_a_leased_or_settled_task_is_not_unassigned() -> None:
    world = new_world()
    leased, _ = world.claimed()
    done = world.started()
    world.do(world.human, CompleteTask(task_id=done))

    codes = [world.refuse(world.owner, UnassignTask(task_id=t)).code for t in (leased, done)]

    assert codes == ["leased_to_other", "illegal_transition"]
    assert world.refuse(world.stranger, UnassignTask(task_id=done)).code == "not_a_member"


def test_who_got_a_task_back_may_lose_it_to_another() -> None:
    world = new_world()
    task, token = world.claimed(assignee_id=world.agent)
    world.do(world.agent, ReportProgress(task_id=task, token=token, percent=50))
    world.do(world.agent, ReleaseTask(task_id=task, token=token))

    world.do(world.owner, AssignTask(task_id=task, worker_id=world.other))

    assert world.claim(world.other, task) == token + 1
    assert world.task(task).progress == 50
