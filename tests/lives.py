"""Lives of tasks at random: who asks for what next, by what outcomes have told so far.

A new kind joins with one function in ACTS. Most requests are sensible; refusals are welcome too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import (
    ApproveTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    RejectTask,
    ReportProgress,
    StartTask,
    SubmitTask,
)
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CommentTask,
    CreateTask,
    DeleteTask,
    MoveTask,
    NewDependency,
    RemoveDependency,
    RestoreTask,
)


class People(Protocol):
    """The owner and the human are humans; all are members of the project."""

    project_id: UUID
    owner: UUID
    human: UUID
    agent: UUID


Request = tuple[UUID, Payload]


@dataclass(slots=True)
class Lives:
    """`tokens`: of the leases that outcomes told of, with their holders."""

    people: People
    random: Random
    tasks: list[UUID] = field(default_factory=list)
    tokens: dict[UUID, tuple[UUID, int]] = field(default_factory=dict)

    def next(self) -> Request:
        """Who asks, and for what."""
        if len(self.tasks) < 2:
            return _create(self)
        (act,) = self.random.choices(list(ACTS), list(ACTS.values()))
        return act(self)

    def learn(self, actor_id: UUID, payload: Payload, outcome: dict[str, Any]) -> None:
        """Takes the tokens out of what a claim or a dispatch was told, and forgets used ones."""
        if isinstance(payload, SubmitTask | CompleteTask | FailTask):
            self.tokens.pop(payload.task_id, None)
        for task in outcome.get("tasks", ()):
            self.tokens[UUID(str(task["id"]))] = (actor_id, int(task["token"]))

    def anybody(self) -> UUID:
        return self.random.choice([self.people.owner, self.people.human, self.people.agent])

    def task(self) -> UUID:
        """Mostly one of the last, so that lives become long."""
        return self.random.choice(self.tasks[-2:])

    def reporter(self) -> tuple[UUID, dict[str, Any]]:
        """Who reports, about which task, with the token if there was a lease."""
        task_id = self.task()
        holder, token = self.tokens.get(task_id, (self.people.human, None))
        return holder, {"task_id": task_id, "token": token}


def _create(lives: Lives) -> Request:
    random, task_id = lives.random, uuid7()
    before = list(lives.tasks)
    lives.tasks.append(task_id)
    edges = (
        [NewDependency(task_id=random.choice(before))] if before and random.random() < 0.3 else []
    )
    payload = CreateTask(
        project_id=lives.people.project_id,
        task_id=task_id,
        title=f"Task {len(before)}",
        priority=random.choice(["low", "medium", "high", "critical"]),
        parent_id=random.choice(before) if before and random.random() < 0.2 else None,
        attributes={"number": random.random()},
        tags=random.sample(["a", "b", "c"], 2),
        max_attempts=random.randint(1, 3),
        depends_on=edges,
    )
    return lives.people.owner, payload


def _claim(lives: Lives) -> Request:
    return lives.people.agent, ClaimTask(task_id=lives.task())


def _dispatch(lives: Lives) -> Request:
    return lives.people.agent, DispatchTasks(limit=2)


def _start(lives: Lives) -> Request:
    return lives.people.human, StartTask(task_id=lives.task())


def _assign(lives: Lives) -> Request:
    return lives.people.owner, AssignTask(task_id=lives.task(), worker_id=lives.anybody())


def _comment(lives: Lives) -> Request:
    body = f"Remark {lives.random.random()}"
    return lives.anybody(), CommentTask(task_id=lives.task(), comment_id=uuid7(), body=body)


def _progress(lives: Lives) -> Request:
    actor, named = lives.reporter()
    return actor, ReportProgress(percent=lives.random.randint(0, 100), **named)


def _submit(lives: Lives) -> Request:
    actor, named = lives.reporter()
    return actor, SubmitTask(result={"text": "Done", "score": lives.random.random()}, **named)


def _complete(lives: Lives) -> Request:
    actor, named = lives.reporter()
    return actor, CompleteTask(
        result=[1, None, "two"], cascade=lives.random.random() < 0.5, **named
    )


def _fail(lives: Lives) -> Request:
    actor, named = lives.reporter()
    permanent = lives.random.random() < 0.3
    return actor, FailTask(reason="No luck", details={"code": 7}, permanent=permanent, **named)


def _approve(lives: Lives) -> Request:
    return lives.people.owner, ApproveTask(task_id=lives.task())


def _reject(lives: Lives) -> Request:
    return lives.people.owner, RejectTask(task_id=lives.task(), reason="Not yet")


def _cancel(lives: Lives) -> Request:
    return lives.people.owner, CancelTask(task_id=lives.task())


def _delete(lives: Lives) -> Request:
    return lives.people.owner, DeleteTask(task_id=lives.task(), reason="Not needed")


def _restore(lives: Lives) -> Request:
    return lives.people.owner, RestoreTask(task_id=lives.task())


def _add_dependency(lives: Lives) -> Request:
    task_id, depends_on_id = lives.random.sample(lives.tasks[-4:], 2)
    return lives.people.owner, AddDependency(task_id=task_id, depends_on_id=depends_on_id)


def _remove_dependency(lives: Lives) -> Request:
    task_id, depends_on_id = lives.random.sample(lives.tasks[-4:], 2)
    return lives.people.owner, RemoveDependency(task_id=task_id, depends_on_id=depends_on_id)


def _move(lives: Lives) -> Request:
    task_id, parent_id = lives.random.sample(lives.tasks[-4:], 2)
    to = parent_id if lives.random.random() < 0.5 else None
    return lives.people.owner, MoveTask(task_id=task_id, parent_id=to)


ACTS: dict[Callable[[Lives], Request], int] = {
    _create: 2,
    _claim: 6,
    _dispatch: 1,
    _start: 3,
    _assign: 2,
    _comment: 2,
    _progress: 8,
    _submit: 8,
    _complete: 2,
    _fail: 3,
    _approve: 4,
    _reject: 4,
    _cancel: 1,
    _delete: 1,
    _restore: 6,
    _add_dependency: 2,
    _remove_dependency: 2,
    _move: 2,
}
"""How often each is asked for, in proportion."""
