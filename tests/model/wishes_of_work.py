"""Jobs about the work on tasks, at random."""

from typing import Any

from jobs.payloads.budget import Usage
from jobs.payloads.lifecycle import (
    ApproveTask,
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    ExpireLease,
    FailTask,
    ProvideInput,
    RejectTask,
    ReleaseTask,
    RenewLease,
    ReopenTask,
    ReportProgress,
    ReportUsage,
    RequestInput,
    RetryTask,
    StartTask,
    SubmitTask,
    UnblockTask,
)
from jobs.payloads.question import Question
from tests.model.act import Request
from tests.model.picking import Picker

LEASE_SECONDS = [5, 60, 3600]
"""Where time passes by itself only the last will do."""


def claim(pick: Picker) -> Request:
    task = pick.task("pending")
    task_id = task.id if task else pick.new_id()
    actor = task.assignee if task and task.assignee and not pick.slips() else pick.actor(task_id)
    return actor, ClaimTask(task_id=task_id, lease_seconds=_seconds(pick))


def dispatch(pick: Picker) -> Request:
    limit, seconds = 1 + pick.random.randrange(4), _seconds(pick)
    return pick.person(), DispatchTasks(limit=limit, lease_seconds=seconds)


def start(pick: Picker) -> Request:
    task = pick.task("pending")
    if task is None:
        return pick.anybody(), StartTask(task_id=pick.new_id())
    return pick.member(task.project, is_human=True), StartTask(task_id=task.id)


def renew(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress", "blocked")
    return actor, RenewLease(lease_seconds=_seconds(pick), **named)


def progress(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress")
    percent = pick.random.randrange(101)
    return actor, ReportProgress(percent=percent, usage=_usage(pick), **named)


def report_usage(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress")
    return actor, ReportUsage(usage=_usage(pick) or Usage(tokens=1), **named)


def release(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress", "in_progress", "blocked")
    task = pick.state.tasks.get(named["task_id"])
    if task is not None and pick.chance(30):
        actor, named["force"] = pick.boss(task.project), True
    return actor, ReleaseTask(**named)


def block(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress", "pending")
    return actor, BlockTask(reason="The client is away", **_kept(pick, named))


def request_input(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress", "pending")
    question = Question(prompt="Which?", choices=pick.maybe(50, ["red", "blue"]))
    return actor, RequestInput(question=question, **_kept(pick, named))


def unblock(pick: Picker) -> Request:
    task_id = pick.task_id("blocked")
    return pick.actor(task_id), UnblockTask(task_id=task_id)


def provide_input(pick: Picker) -> Request:
    task_id = pick.task_id("blocked")
    answer = pick.one(["red", "red", "green"])
    return pick.actor(task_id), ProvideInput(task_id=task_id, answer=answer)


def submit(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress")
    return actor, SubmitTask(usage=_usage(pick), **named)


def approve(pick: Picker) -> Request:
    task_id = pick.task_id("review")
    return pick.actor(task_id), ApproveTask(task_id=task_id, cascade=pick.chance(50))


def reject(pick: Picker) -> Request:
    task_id = pick.task_id("review")
    return pick.actor(task_id), RejectTask(task_id=task_id, reason="Not yet")


def complete(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress", "pending")
    return actor, CompleteTask(cascade=pick.chance(50), usage=_usage(pick), **named)


def fail(pick: Picker) -> Request:
    actor, named = pick.reporter("in_progress")
    permanent = pick.chance(30)
    return actor, FailTask(reason="No luck", permanent=permanent, usage=_usage(pick), **named)


def retry(pick: Picker) -> Request:
    task_id = pick.task_id("failed")
    return pick.actor(task_id), RetryTask(task_id=task_id)


def cancel(pick: Picker) -> Request:
    task_id = pick.task_id("pending", "in_progress", "review", "blocked")
    return pick.actor(task_id), CancelTask(task_id=task_id)


def reopen(pick: Picker) -> Request:
    task_id = pick.task_id("completed", "cancelled")
    return pick.actor(task_id), ReopenTask(task_id=task_id)


def expire(pick: Picker) -> Request:
    """The system's own; mostly of a lease that has run out."""
    task = pick.task("in_progress", "blocked", is_leased=True)
    if task is None:
        return None, ExpireLease(task_id=pick.new_id(), token=1)
    token = task.last_token + (1 if pick.slips() else 0)
    return None, ExpireLease(task_id=task.id, token=max(1, token))


def _seconds(pick: Picker) -> int:
    return LEASE_SECONDS[-1] if pick.has_store else pick.one(LEASE_SECONDS)


def _usage(pick: Picker) -> Usage | None:
    if pick.chance(60):
        return None
    return Usage(tokens=pick.random.randrange(6), money_micros=pick.one([0, 0, 3]))


def _kept(pick: Picker, named: dict[str, Any]) -> dict[str, Any]:
    has_token = named.get("token") is not None
    return named | {"keep_lease": has_token and pick.chance(50)}
