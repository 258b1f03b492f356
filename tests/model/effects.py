"""What is true of a task after a job about its work was applied."""

from datetime import timedelta
from uuid import UUID

from tests.model.act import (
    Act,
    becomes,
    cancel,
    come_to_nothing,
    complete,
    delete,
    give_back,
    go_on,
    note,
)
from tests.model.budgets import book, is_used_up, stored
from tests.model.state import OPEN, LeaseFacts, TaskFacts


def claim(act: Act) -> None:
    assert act.actor is not None
    take(act, act.task, act.actor)


def take(act: Act, task: TaskFacts, holder: UUID) -> None:
    """A new lease, and the next token."""
    task.last_token += 1
    ends_at = act.state.now + timedelta(seconds=act.job.lease_seconds)
    task.lease = LeaseFacts(holder, task.last_token, ends_at, before=task.assignee)
    task.assignee = holder
    becomes(act.state, task, "in_progress")
    note(task)


def start(act: Act) -> None:
    act.task.assignee = act.actor
    becomes(act.state, act.task, "in_progress")
    note(act.task)


def renew(act: Act) -> None:
    """Without an event: it stands in no history."""
    assert act.task.lease is not None
    act.task.lease.ends_at = act.state.now + timedelta(seconds=act.job.lease_seconds)


def progress(act: Act) -> None:
    act.task.progress = act.job.percent
    note(act.task)
    if act.job.usage is not None:
        _stop_if_used_up(act)


def report_usage(act: Act) -> None:
    note(act.task)
    _stop_if_used_up(act)


def _stop_if_used_up(act: Act) -> None:
    book(act)
    if is_used_up(act.state, act.task):
        act.task.lease = None
        becomes(act.state, act.task, "blocked")
        act.task.blocked_reason = "budget"
        note(act.task)


def raise_budget(act: Act) -> None:
    """Work that the lower limit stopped may go on."""
    task = act.task
    task.budget = stored(act.job.budget)
    note(task)
    if task.blocked_reason == "budget" and not is_used_up(act.state, task):
        go_on(act.state, task)
        note(task)


def release(act: Act) -> None:
    """A broken lease has a token that nobody knows; blocked work stays blocked."""
    task = act.task
    task.last_token += act.job.force
    give_back(act.state, task)
    if task.status == "in_progress":
        becomes(act.state, task, "pending")
    note(task)


def block(act: Act) -> None:
    _stop(act)
    act.task.blocked_reason = act.job.reason


def request_input(act: Act) -> None:
    _stop(act)
    act.task.blocked_reason = "input_required"
    act.task.choices = act.job.question.choices


def _stop(act: Act) -> None:
    """The task stays with whoever had it, so that he is preferred when it goes on."""
    if not act.job.keep_lease:
        act.task.lease = None
    becomes(act.state, act.task, "blocked")
    note(act.task)


def unblock(act: Act) -> None:
    go_on(act.state, act.task)
    note(act.task)


def submit(act: Act) -> None:
    act.task.lease = None
    act.task.submitter = act.actor
    becomes(act.state, act.task, "review")
    note(act.task)
    book(act)


def reject(act: Act) -> None:
    """Nothing is submitted any more."""
    act.task.submitter = None
    go_on(act.state, act.task)
    note(act.task)


def approve(act: Act) -> None:
    complete(act.state, act.task, cascade=act.job.cascade)


def complete_task(act: Act) -> None:
    complete(act.state, act.task, cascade=act.job.cascade)
    book(act)


def fail(act: Act) -> None:
    _end_badly(act, is_final=act.job.permanent)


def expire(act: Act) -> None:
    """A lease that ends on a blocked task counts no attempt: nobody was working."""
    if act.task.status == "in_progress":
        _end_badly(act, is_final=False)
    else:
        give_back(act.state, act.task)
        note(act.task)


def _end_badly(act: Act, *, is_final: bool) -> None:
    task = act.task
    give_back(act.state, task)
    task.attempt += 1
    becomes(
        act.state, task, "failed" if is_final or task.attempt >= task.max_attempts else "pending"
    )
    note(task)
    book(act, attempts=1)
    if task.status == "failed":
        come_to_nothing(act.state, task)


def retry(act: Act) -> None:
    act.task.attempt = 0
    _is_open_again(act, act.task, "pending")


def reopen(act: Act) -> None:
    _is_open_again(act, act.task, "review" if act.task.status == "completed" else "pending")


def _is_open_again(act: Act, task: TaskFacts, status: str) -> None:
    """Whoever has left the project meanwhile does not get the task back."""
    becomes(act.state, task, status)
    _forget_unfit(act, task)
    note(task)


def _forget_unfit(act: Act, task: TaskFacts) -> None:
    if task.status in OPEN and not act.state.is_fit(task.assignee, task.project):
        task.assignee = None


def cancel_task(act: Act) -> None:
    cancel(act.state, act.task)


def delete_task(act: Act) -> None:
    delete(act, act.task)


def restore(act: Act) -> None:
    """Exactly what was deleted with it; who has left meanwhile does not get his tasks back."""
    deletion = act.task.deletion
    to_visit = [act.task]
    while to_visit:
        task = to_visit.pop()
        if task.deletion == deletion:
            task.deletion = None
            _forget_unfit(act, task)
            note(task)
            to_visit += act.state.children(task)


def purge(act: Act) -> None:
    act.task.is_purged = True
    note(act.task)
