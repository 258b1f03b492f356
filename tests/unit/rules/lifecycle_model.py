"""A second opinion about tasks, written from the domain's tables and not from the rules.

Each act answers whether it is allowed, and if so, is done. No events, no messages, one project.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

TABLE = {
    "pending": {"in_progress", "blocked", "completed", "cancelled"},
    "in_progress": {"review", "completed", "blocked", "pending", "failed", "cancelled"},
    "review": {"completed", "in_progress", "pending", "cancelled"},
    "blocked": {"in_progress", "pending", "cancelled"},
    "completed": {"review"},
    "failed": {"pending"},
    "cancelled": {"pending"},
}
OPEN = {"pending", "in_progress", "review", "blocked"}
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Known:
    """What the model remembers of a task."""

    id: UUID
    created_at: datetime
    rank: int
    assignee: UUID | None
    parent: UUID | None
    due_at: datetime | None
    run_after: datetime | None
    capabilities: frozenset[str]
    max_attempts: int
    status: str = "pending"
    holder: UUID | None = None
    lease_ends: datetime | None = None
    before: UUID | None = None
    submitter: UUID | None = None
    token: int = 0
    attempt: int = 0
    progress: int = 0
    version: int = 1
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def becomes(self, status: str) -> bool:
        assert status in TABLE[self.status]
        self.status = status
        self.version += 1
        return True

    def gives_lease_up(self) -> None:
        self.holder = self.lease_ends = None


@dataclass(slots=True)
class Model:
    """`abilities`: of members only. `room`: who may hold so many; others have no limit."""

    now: datetime
    policy: str
    humans: set[UUID]
    abilities: dict[UUID, frozenset[str]]
    room: dict[UUID, int]
    tasks: dict[UUID, Known] = field(default_factory=dict)

    def create(self, actor: UUID, task: Known) -> bool:
        parent = None if task.parent is None else self.tasks[task.parent]
        if not self._is_member(actor) or (parent is not None and parent.status not in OPEN):
            return False
        if task.assignee is not None and not self._is_member(task.assignee):
            return False
        self.tasks[task.id] = task
        return True

    def assign(self, actor: UUID, task: Known, worker: UUID) -> bool:
        if not self._is_member(actor) or not self._is_member(worker) or task.holder is not None:
            return False
        goes_on_with_agent = task.status == "in_progress" and worker not in self.humans
        if task.status not in OPEN or goes_on_with_agent:
            return False
        task.assignee = worker
        task.version += 1
        return True

    def claim(self, actor: UUID, task: Known, seconds: int) -> bool:
        if not self._is_ready(actor, task) or self.free_room(actor) < 1:
            return False
        task.before, task.assignee, task.holder = task.assignee, actor, actor
        task.lease_ends = self.now + timedelta(seconds=seconds)
        task.token += 1
        return self._begins(task)

    def best(self, actor: UUID, limit: int) -> list[UUID]:
        ready = [task for task in self.tasks.values() if self._is_ready(actor, task)]
        ready.sort(key=lambda task: task.id)
        ready.sort(key=lambda task: task.created_at)
        ready.sort(key=lambda task: task.due_at or NEVER)
        ready.sort(key=lambda task: task.rank, reverse=True)
        return [task.id for task in ready[: min(limit, self.free_room(actor))]]

    def renew(self, actor: UUID, task: Known, token: int | None, seconds: int) -> bool:
        if task.holder is None or not self._may_report(actor, task, token):
            return False
        task.lease_ends = self.now + timedelta(seconds=seconds)
        return True

    def start(self, actor: UUID, task: Known) -> bool:
        if actor not in self.humans or not self._is_ready(actor, task):
            return False
        task.assignee = actor
        return self._begins(task)

    def report(self, actor: UUID, task: Known, token: int | None, progress: int) -> bool:
        if not self._may_report(actor, task, token) or task.status != "in_progress":
            return False
        task.progress = progress
        task.version += 1
        return True

    def submit(self, actor: UUID, task: Known, token: int | None) -> bool:
        if not self._may_report(actor, task, token) or task.status != "in_progress":
            return False
        task.submitter = actor
        task.gives_lease_up()
        return task.becomes("review")

    def approve(self, actor: UUID, task: Known, *, cascade: bool) -> bool:
        if not self._is_member(actor) or actor in {task.assignee, task.submitter}:
            return False
        return task.status == "review" and self._completes(task, cascade=cascade)

    def reject(self, actor: UUID, task: Known) -> bool:
        if not self._is_member(actor) or task.status != "review":
            return False
        task.submitter = None
        return task.becomes("in_progress" if task.assignee in self.humans else "pending")

    def complete(self, actor: UUID, task: Known, token: int | None, *, cascade: bool) -> bool:
        critical = 3
        reviewed = self.policy == "all" or (self.policy == "critical" and task.rank == critical)
        if not self._may_report(actor, task, token) or reviewed:
            return False
        may = task.status in {"pending", "in_progress"}
        return may and self._completes(task, cascade=cascade)

    def fail(self, actor: UUID, task: Known, token: int | None, *, permanent: bool) -> bool:
        if not self._may_report(actor, task, token) or task.status != "in_progress":
            return False
        return self._ends_badly(task, permanent=permanent)

    def expire(self, task: Known, token: int) -> bool:
        if task.lease_ends is None or task.lease_ends > self.now or token != task.token:
            return False
        return self._ends_badly(task, permanent=False)

    def cancel(self, actor: UUID, task: Known) -> bool:
        if not self._is_member(actor) or task.status not in OPEN:
            return False
        return self._cancels([task, *self._below(task)])

    def free_room(self, actor: UUID) -> int:
        held = sum(task.holder == actor for task in self.tasks.values())
        return max(0, self.room.get(actor, 1000) - held)

    def _is_member(self, worker: UUID) -> bool:
        return worker in self.abilities

    def _is_ready(self, actor: UUID, task: Known) -> bool:
        return (
            task.status == "pending"
            and self._is_member(actor)
            and task.assignee in {None, actor}
            and task.capabilities <= self.abilities[actor]
            and (task.run_after is None or task.run_after <= self.now)
        )

    def _begins(self, task: Known) -> bool:
        task.started_at = task.started_at or self.now
        return task.becomes("in_progress")

    def _may_report(self, actor: UUID, task: Known, token: int | None) -> bool:
        if task.holder is None:
            return token is None and self._is_member(actor)
        return actor == task.holder and token == task.token

    def _completes(self, task: Known, *, cascade: bool) -> bool:
        if cascade:
            self._cancels(self._below(task))
        elif any(child.status in OPEN for child in self._children(task)):
            return False
        task.progress, task.completed_at = 100, self.now
        task.gives_lease_up()
        return task.becomes("completed")

    def _ends_badly(self, task: Known, *, permanent: bool) -> bool:
        if task.holder is not None:
            task.assignee = task.before
        task.gives_lease_up()
        task.attempt += 1
        final = permanent or task.attempt == task.max_attempts
        return task.becomes("failed" if final else "pending")

    def _cancels(self, tasks: list[Known]) -> bool:
        for task in tasks:
            if task.status in OPEN:
                task.gives_lease_up()
                task.becomes("cancelled")
        return True

    def _children(self, task: Known) -> Iterator[Known]:
        return (child for child in self.tasks.values() if child.parent == task.id)

    def _below(self, task: Known) -> list[Known]:
        return [below for child in self._children(task) for below in (child, *self._below(child))]
