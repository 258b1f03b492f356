"""One job on its way through the model, and what many acts have in common."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs.payloads.base import Payload
from tests.model.state import ProjectFacts, State, TaskFacts, WorkerFacts

Request = tuple[UUID | None, Payload]
"""Who asks (None: the system, trusted), and for what."""


@dataclass(frozen=True, slots=True)
class Act:
    """`job` is a payload; which one is known to whoever reads its fields."""

    state: State
    actor: UUID | None
    job: Any
    job_id: UUID

    @property
    def task(self) -> TaskFacts:
        return self.state.tasks[self.job.task_id]

    @property
    def project(self) -> ProjectFacts:
        if hasattr(self.job, "project_id"):
            return self.state.projects[self.job.project_id]
        return self.state.projects[self.task.project]

    @property
    def is_owners(self) -> bool:
        """The system may do what the owner may."""
        return self.actor in {None, self.project.owner}

    @property
    def is_humans(self) -> bool:
        return self.actor is None or self.state.workers[self.actor].is_human


def note(entity: TaskFacts | ProjectFacts | WorkerFacts) -> None:
    """One event: the version is the number of events."""
    entity.version += 1


def becomes(state: State, task: TaskFacts, status: str) -> None:
    """A transition; what belongs to the old status alone is gone."""
    if status == "in_progress":
        task.started_at = task.started_at or state.now
    # What is reviewed has been worked on, even if it was completed without being begun.
    if status == "review":
        task.started_at = task.started_at or task.completed_at
    task.completed_at = state.now if status == "completed" else None
    task.status = status
    task.blocked_reason = task.choices = None


def give_back(state: State, task: TaskFacts) -> None:
    """The lease ends; the former assignee is put back, if he may still be given the task."""
    if task.lease is not None:
        before = task.lease.before
        task.assignee = before if state.is_fit(before, task.project) else None
        task.lease = None


def go_on(state: State, task: TaskFacts) -> None:
    """What kept the task is out of the way (unblock, provide_input, reject).

    Nobody begins by that: a human goes on with what was begun.
    """
    is_humans = task.assignee is not None and state.workers[task.assignee].is_human
    is_going = (is_humans and task.started_at is not None) or task.lease is not None
    becomes(state, task, "in_progress" if is_going else "pending")


def cancel(state: State, task: TaskFacts) -> None:
    """With all that is open below, and those whose edges say so."""
    for each in (task, *state.below(task)):
        if each.is_open:
            each.lease = None
            becomes(state, each, "cancelled")
            note(each)
            come_to_nothing(state, each)


def come_to_nothing(state: State, task: TaskFacts) -> None:
    """The task has failed or was cancelled: who waits for its success is cancelled."""
    for (waiting, blocker), on_failure in state.edges.items():
        dependent = state.tasks[waiting]
        is_idle = dependent.is_live and dependent.status in {"pending", "blocked"}
        if blocker == task.id and on_failure == "cancel" and is_idle:
            cancel(state, dependent)


def complete(state: State, task: TaskFacts, *, cascade: bool) -> None:
    for below in state.below(task) if cascade else ():
        cancel(state, below)
    task.lease = None
    task.progress = 100
    becomes(state, task, "completed")
    note(task)


def delete(act: Act, task: TaskFacts) -> None:
    """The task and its live descendants; who holds one of them holds it no more."""
    for each in (task, *act.state.below(task)):
        if each.is_live:
            if each.lease is not None and each.status == "in_progress":
                becomes(act.state, each, "pending")
            give_back(act.state, each)
            each.deletion = act.job_id
            note(each)
