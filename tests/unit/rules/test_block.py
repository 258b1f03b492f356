"""Tasks that cannot go on: blocked with a reason, or with a question that waits for its answer."""

from typing import Any

import pytest

from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import (
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    ExpireLease,
    ProvideInput,
    ReportUsage,
    RequestInput,
    UnblockTask,
)
from jobs.payloads.question import Question
from jobs.payloads.task import AssignTask, RaiseBudget
from tests.unit.rules.world import World, new_world

CHOICE = Question(prompt="Which tone?", choices=["warm", "dry"])


def test_a_blocked_task_says_why_and_is_let_go() -> None:
    world = new_world()
    task, token = world.claimed()

    world.do(world.agent, BlockTask(task_id=task, token=token, reason="no key"))

    row = world.task(task)
    assert (row.status, row.blocked_reason, row.assignee_id) == ("blocked", "no key", world.agent)
    assert world.lease(task) is None
    assert world.refuse(world.agent, CompleteTask(task_id=task)).code == "illegal_transition"


def test_who_keeps_his_lease_goes_on_where_he_was() -> None:
    world = new_world()
    task, token = world.claimed()
    keep = BlockTask(task_id=task, token=token, reason="no key", keep_lease=True)
    world.do(world.agent, keep)
    assert world.refuse(world.other, ClaimTask(task_id=task)).code == "leased_to_other"

    world.do(world.human, UnblockTask(task_id=task))

    assert (world.task(task).status, world.task(task).blocked_reason) == ("in_progress", None)
    world.do(world.agent, CompleteTask(task_id=task, token=token))


def test_an_agents_task_is_claimed_again_when_it_is_unblocked() -> None:
    world = new_world()
    task, token = world.claimed()
    world.do(world.agent, BlockTask(task_id=task, token=token, reason="no key"))

    world.do(world.human, UnblockTask(task_id=task))

    assert (world.task(task).status, world.task(task).assignee_id) == ("pending", world.agent)
    assert world.refuse(world.other, ClaimTask(task_id=task)).code == "not_allowed"
    assert world.claim(world.agent, task) == token + 1


def test_a_humans_task_goes_on_when_it_is_unblocked_if_it_had_begun() -> None:
    world = new_world()
    begun, waiting = world.started(), world.create(assignee_id=world.human)
    for task in (begun, waiting):
        world.do(world.human, BlockTask(task_id=task, reason="rain"))
        world.do(world.human, UnblockTask(task_id=task))

    assert [world.task(t).status for t in (begun, waiting)] == ["in_progress", "pending"]


def test_a_lease_that_expires_on_a_blocked_task_leaves_it_blocked() -> None:
    world = new_world()
    task, token = world.claimed()
    keep = BlockTask(task_id=task, token=token, reason="no key", keep_lease=True)
    world.do(world.agent, keep)
    world.pass_time(minutes=2)

    world.do(None, ExpireLease(task_id=task, token=token))
    assert (world.task(task).status, world.task(task).attempt) == ("blocked", 0)
    world.do(world.human, UnblockTask(task_id=task))

    assert (world.task(task).status, world.task(task).assignee_id) == ("pending", None)


def test_there_must_be_a_lease_to_be_kept() -> None:
    world = new_world()
    task = world.started()

    for payload in (
        BlockTask(task_id=task, reason="rain", keep_lease=True),
        RequestInput(task_id=task, question=CHOICE, keep_lease=True),
    ):
        assert world.refuse(world.human, payload).code == "invalid"


def test_only_what_is_to_be_done_is_blocked_and_only_what_is_blocked_unblocked() -> None:
    world = new_world()
    task = world.started()

    assert world.refuse(world.human, UnblockTask(task_id=task)).code == "illegal_transition"
    world.do(world.human, CompleteTask(task_id=task))
    refusal = world.refuse(world.human, BlockTask(task_id=task, reason="rain"))

    assert (refusal.code, refusal.alternatives) == ("illegal_transition", ("review",))


def test_a_question_blocks_the_task_until_it_is_answered() -> None:
    world, task, token = _asking(keep_lease=True)
    question = world.task(task).question

    assert (world.task(task).status, world.task(task).blocked_reason) == (
        "blocked",
        "input_required",
    )
    assert question is not None
    assert (question["prompt"], question["choices"]) == ("Which tone?", ["warm", "dry"])
    assert (question["asked_by_id"], question["id"]) == (
        str(world.agent),
        str(world.board.events[-1].job_id),
    )
    world.do(world.human, ProvideInput(task_id=task, answer="dry"))

    kind, data = world.event()
    assert kind == "task.input_provided"
    assert data["answer"] == {"question_id": question["id"], "answer": "dry"}
    assert (world.task(task).status, world.task(task).question) == ("in_progress", None)
    world.do(world.agent, CompleteTask(task_id=task, token=token))


def test_without_its_lease_the_asking_agent_claims_the_answered_task_again() -> None:
    world, task, _ = _asking(keep_lease=False)

    world.do(world.human, ProvideInput(task_id=task, answer="warm"))

    assert (world.task(task).status, world.task(task).assignee_id) == ("pending", world.agent)


def test_an_answer_is_one_of_the_choices() -> None:
    world, task, _ = _asking(keep_lease=True)

    refusal = world.refuse(world.human, ProvideInput(task_id=task, answer="loud"))

    assert refusal.code == "invalid"
    assert "warm, dry" in refusal.message


@pytest.mark.parametrize("answer", ["anything", 7, {"x": [1]}, None])
def test_an_open_question_takes_any_answer(answer: Any) -> None:
    world = new_world()
    task = world.started()
    world.do(world.human, RequestInput(task_id=task, question=Question(prompt="Well?")))

    world.do(world.owner, ProvideInput(task_id=task, answer=answer))

    assert world.event()[1]["answer"]["answer"] == answer


def test_a_question_is_answered_not_unblocked() -> None:
    world, task, _ = _asking(keep_lease=True)

    assert world.refuse(world.owner, UnblockTask(task_id=task)).code == "not_allowed"


def test_what_asks_nothing_takes_no_answer() -> None:
    world = new_world()
    task = world.started()

    refusal = world.refuse(world.human, ProvideInput(task_id=task, answer="yes"))

    assert refusal.code == "illegal_transition"
    assert "cancelled" in refusal.alternatives


def test_a_question_ends_with_its_task() -> None:
    world, task, _ = _asking(keep_lease=True)

    world.do(world.owner, CancelTask(task_id=task))

    assert (world.task(task).question, world.lease(task)) == (None, None)


def test_a_task_over_its_budget_is_unblocked_by_a_raise_only() -> None:
    world = new_world()
    limit = Budget(tokens=Limit(hard=10))
    task, token = world.claimed(budget=limit)
    world.do(world.agent, ReportUsage(task_id=task, token=token, usage=Usage(tokens=10)))

    refusal = world.refuse(world.human, UnblockTask(task_id=task))
    more = Budget(tokens=Limit(hard=20))
    world.do(world.owner, RaiseBudget(task_id=task, budget=more))

    assert (refusal.code, world.task(task).status) == ("limit_exceeded", "pending")


def test_a_stranger_neither_blocks_nor_unblocks_nor_answers() -> None:
    world, task, _ = _asking(keep_lease=False)

    for payload in (
        BlockTask(task_id=task, reason="no"),
        UnblockTask(task_id=task),
        ProvideInput(task_id=task, answer="dry"),
    ):
        assert world.refuse(world.stranger, payload).code == "not_a_member"


def test_a_blocked_task_may_get_another_assignee() -> None:
    world = new_world()
    task = world.started()
    world.do(world.human, BlockTask(task_id=task, reason="rain"))
    world.do(world.owner, AssignTask(task_id=task, worker_id=world.agent))

    world.do(world.owner, UnblockTask(task_id=task))

    assert world.task(task).status == "pending"


def _asking(*, keep_lease: bool) -> tuple[World, Any, int]:
    """An agent's task that waits for an answer."""
    world = new_world()
    task, token = world.claimed()
    ask = RequestInput(task_id=task, token=token, question=CHOICE, keep_lease=keep_lease)
    world.do(world.agent, ask)
    return world, task, token
