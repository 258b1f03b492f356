"""Choices at random, mostly such that something comes of them.

Ids are counted, so that the same choices make the same jobs again, in whatever tenant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from tests.model.state import State, TaskFacts

Something = TypeVar("Something")
FIRST_ID = 0x10000000_0000_4000_8000_000000000000
RECENT = 8


class NothingFits(Exception):  # noqa: N818 - what happened
    """Nothing is in the state that the choice asks for: another job makes more sense."""


@dataclass(slots=True)
class Picker:
    """`state` is what the model knows now; nothing here changes it.

    `mistakes`: of a hundred choices so many are made without looking. `has_store`: what only the
    database refuses may be asked for, too.
    """

    state: State
    random: Random
    mistakes: int = 8
    has_store: bool = False
    ids: Iterator[int] = field(default_factory=lambda: count(FIRST_ID))

    def new_id(self) -> UUID:
        return UUID(int=next(self.ids))

    def one(self, things: Sequence[Something]) -> Something:
        return things[self.random.randrange(len(things))]

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def slips(self) -> bool:
        return self.chance(self.mistakes)

    def maybe(self, percent: int, something: Something) -> Something | None:
        return something if self.chance(percent) else None

    def task(self, *statuses: str, **facts: bool) -> TaskFacts | None:
        """One of the last in one of these states; sometimes any. Raises NothingFits."""
        everything = list(self.state.tasks.values())
        fitting = [
            task
            for task in everything
            if task.is_live is facts.get("is_live", True)
            and not self.state.projects[task.project].is_deleted
            and (not statuses or task.status in statuses)
            and facts.get("is_leased", task.lease is not None) is (task.lease is not None)
        ]
        if self.slips():
            return self.one(everything[-RECENT:]) if everything else None
        if not fitting:
            raise NothingFits
        return self.one(fitting[-RECENT:])

    def task_id(self, *statuses: str, **facts: bool) -> UUID:
        """Where there is no task yet, an id that nothing has."""
        task = self.task(*statuses, **facts)
        return self.new_id() if task is None else task.id

    def anybody(self) -> UUID:
        return self.one(list(self.state.workers))

    def person(self, *, is_human: bool | None = None) -> UUID:
        """Somebody who is active; of this kind, if it is given."""
        fitting = [
            worker.id
            for worker in self.state.workers.values()
            if worker.is_active and is_human in {None, worker.is_human}
        ]
        return self.one(fitting) if fitting and not self.slips() else self.anybody()

    def member(self, project_id: UUID, *, is_human: bool | None = None) -> UUID:
        """Somebody who may act in the project."""
        project = self.state.projects[project_id]
        fitting = [
            worker
            for worker in self.state.workers
            if self.state.is_fit(worker, project.id)
            and is_human in {None, self.state.workers[worker].is_human}
        ]
        return self.one(fitting) if fitting and not self.slips() else self.anybody()

    def boss(self, project_id: UUID) -> UUID | None:
        """The owner; sometimes the system, sometimes somebody who merely would like to be."""
        if self.slips():
            return self.maybe(70, self.anybody())
        return self.state.projects[project_id].owner

    def actor(self, task_id: UUID) -> UUID | None:
        """Somebody who may act on the task; rarely the system."""
        task = self.state.tasks.get(task_id)
        if task is None or self.slips():
            return self.maybe(80, self.anybody())
        return self.member(task.project)

    def reporter(self, *statuses: str) -> tuple[UUID | None, dict[str, Any]]:
        """Who reports about which task, with the token if it is leased."""
        task = self.task(*statuses)
        if task is None:
            return self.anybody(), {"task_id": self.new_id()}
        if task.lease is None:
            old = self.maybe(3, task.last_token)
            return self.actor(task.id), {"task_id": task.id, "token": old or None}
        token: int | None = task.lease.token
        if self.slips():
            token = self.one([None, max(1, task.last_token - 1), task.last_token + 1])
        holder = self.actor(task.id) if self.slips() else task.lease.holder
        return holder, {"task_id": task.id, "token": token}

    def project_id(self, *, is_deleted: bool = False, is_archived: bool | None = None) -> UUID:
        fitting = [
            project.id
            for project in self.state.projects.values()
            if project.is_deleted is is_deleted and is_archived in {None, project.is_archived}
        ]
        if self.slips():
            return self.one(list(self.state.projects))
        if not fitting:
            raise NothingFits
        return self.one(fitting)
