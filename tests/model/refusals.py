"""Why a job about a task is refused: each reason that the specification gives, by itself.

Where several are true the specification does not say which one is told: any of them will do. The
lease alone comes first, because what a stranger or an old token asks is not weighed at all.
"""

from collections.abc import Iterator

from tests.model.act import Act
from tests.model.budgets import is_used_up
from tests.model.state import OPEN

Reasons = Iterator[str]


def not_ready(act: Act) -> Reasons:
    """Nobody takes what is not ready for him."""
    task, worker = act.task, act.state.workers.get(act.actor) if act.actor else None
    assert worker is not None
    yield from archived(act)
    if task.lease is not None:
        yield "not_allowed" if task.lease.holder == worker.id else "leased_to_other"
        return
    yield from in_status(act, "pending")
    if act.state.unmet(task):
        yield "dependencies_unmet"
    is_anothers = task.assignee not in {None, worker.id}
    is_early = task.run_after is not None and task.run_after > act.state.now
    if is_anothers or is_early or not task.needs <= worker.abilities:
        yield "not_allowed"


def claim(act: Act) -> Reasons:
    yield from not_ready(act)
    worker = act.state.workers.get(act.actor) if act.actor else None
    if worker and worker.room is not None and act.state.held_by(worker.id) >= worker.room:
        yield "limit_exceeded"


def start(act: Act) -> Reasons:
    """Agents work under leases."""
    yield from not_ready(act)
    if act.actor and not act.is_humans:
        yield "not_allowed"


def lease(act: Act) -> Reasons:
    """Of a leased task only its holder reports (or the system), and only with the token."""
    held = act.task.lease
    if held is None:
        if act.job.token is not None:
            yield "lease_lost"
    elif act.actor not in {held.holder, None}:
        yield "leased_to_other"
    elif held.token != act.job.token:
        yield "lease_lost"


def in_status(act: Act, *statuses: str) -> Reasons:
    if act.task.status not in statuses:
        yield "illegal_transition"


def report(act: Act) -> Reasons:
    """progress, report_usage, submit, fail."""
    yield from lease(act)
    if act.task.lease is None or act.task.status == "blocked":
        yield from in_status(act, "in_progress")


def renew(act: Act) -> Reasons:
    yield from lease(act)
    if act.task.lease is None:
        yield "lease_lost"


def release(act: Act) -> Reasons:
    if act.job.force:
        if not act.is_owners:
            yield "not_allowed"
        if act.task.lease is None:
            yield "invalid"
        return
    yield from lease(act)
    if act.task.lease is None:
        yield from in_status(act, "in_progress")


def block(act: Act) -> Reasons:
    """request_input, too."""
    yield from lease(act)
    if act.task.lease is None and act.job.keep_lease:
        yield "invalid"
    yield from in_status(act, "pending", "in_progress")


def unblock(act: Act) -> Reasons:
    yield from in_status(act, "blocked")
    if act.task.blocked_reason == "input_required":
        yield "not_allowed"
    if act.task.blocked_reason == "budget" and is_used_up(act.state, act.task):
        yield "limit_exceeded"


def provide_input(act: Act) -> Reasons:
    if act.task.blocked_reason != "input_required":
        yield "illegal_transition"
    if act.task.choices is not None and act.job.answer not in act.task.choices:
        yield "invalid"


def approve(act: Act) -> Reasons:
    yield from in_status(act, "review")
    if act.actor is not None and act.actor in {act.task.assignee, act.task.submitter}:
        yield "not_allowed"
    yield from open_subtasks(act)


def reject(act: Act) -> Reasons:
    yield from in_status(act, "review")


def open_subtasks(act: Act) -> Reasons:
    if not act.job.cascade and act.state.has_open_subtasks(act.task):
        yield "open_subtasks"


def complete(act: Act) -> Reasons:
    refused = set(lease(act))
    yield from refused
    if refused and act.task.lease is not None:
        return
    yield from in_status(act, "pending", "in_progress")
    if act.state.asks_for_review(act.task):
        yield "approval_required"
    if act.task.status == "pending" and act.state.unmet(act.task):
        yield "dependencies_unmet"
    yield from open_subtasks(act)


def retry(act: Act) -> Reasons:
    yield from in_status(act, "failed")
    yield from archived(act)


def reopen(act: Act) -> Reasons:
    yield from in_status(act, "completed", "cancelled")
    yield from archived(act)


def cancel(act: Act) -> Reasons:
    yield from in_status(act, *OPEN)


def archived(act: Act) -> Reasons:
    """Nothing new begins in an archived project."""
    if act.project.is_archived:
        yield "not_allowed"
