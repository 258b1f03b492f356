"""What the model knows: plain facts, and the questions that the specification asks of them.

Written from the specification of behaviour, not from the rules: slow and obvious on purpose.
Counts (unmet dependencies, counters, open subtasks) are never kept; each is counted anew.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
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
"""Where a task may go from each status."""
OPEN = {"pending", "in_progress", "review", "blocked"}
RANK = {"low": 0, "medium": 1, "high": 2, "critical": 3}
MAX_DEPTH = 16


@dataclass(slots=True)
class WorkerFacts:
    id: UUID
    is_human: bool
    handle: str
    abilities: set[str]
    room: int | None
    name: str = ""
    is_active: bool = True
    version: int = 1


@dataclass(slots=True)
class ProjectFacts:
    """`used` is what all work in it has consumed, attempts included."""

    id: UUID
    slug: str
    policy: str
    budget: dict[str, Any] | None
    owner: UUID
    members: set[UUID]
    name: str = ""
    is_archived: bool = False
    is_deleted: bool = False
    used: dict[str, int] = field(default_factory=dict)
    version: int = 1


@dataclass(slots=True)
class LeaseFacts:
    """`before`: whose the task was when it was taken."""

    holder: UUID
    token: int
    ends_at: datetime
    before: UUID | None


@dataclass(slots=True)
class TaskFacts:
    id: UUID
    project: UUID
    parent: UUID | None
    title: str
    priority: str
    assignee: UUID | None
    created_at: datetime
    due_at: datetime | None
    run_after: datetime | None
    needs: set[str]
    max_attempts: int
    budget: dict[str, Any] | None
    status: str = "pending"
    lease: LeaseFacts | None = None
    last_token: int = 0
    attempt: int = 0
    progress: int = 0
    submitter: UUID | None = None
    blocked_reason: str | None = None
    choices: list[str] | None = None
    used: dict[str, int] = field(default_factory=dict)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deletion: UUID | None = None
    is_purged: bool = False
    version: int = 1

    @property
    def is_live(self) -> bool:
        return self.deletion is None

    @property
    def is_open(self) -> bool:
        return self.is_live and self.status in OPEN


Link = tuple[UUID, UUID]
"""Who waits, and for whom."""


@dataclass(slots=True)
class State:
    """One tenant. `edges` say what becomes of the waiting one if the other comes to nothing.

    `maybe_told`: how many events a task may have beyond those that are known.
    """

    now: datetime
    workers: dict[UUID, WorkerFacts] = field(default_factory=dict)
    projects: dict[UUID, ProjectFacts] = field(default_factory=dict)
    tasks: dict[UUID, TaskFacts] = field(default_factory=dict)
    edges: dict[Link, str] = field(default_factory=dict)
    comments: set[UUID] = field(default_factory=set)
    maybe_told: dict[UUID, int] = field(default_factory=dict)

    def is_taken(self, some_id: UUID) -> bool:
        """An id means one thing, for ever."""
        return some_id in self.workers or some_id in self.projects or some_id in self.tasks

    def live_project(self, project_id: UUID) -> ProjectFacts | None:
        project = self.projects.get(project_id)
        return None if project is None or project.is_deleted else project

    def live_task(self, task_id: UUID) -> TaskFacts | None:
        task = self.tasks.get(task_id)
        if task is None or not task.is_live or self.projects[task.project].is_deleted:
            return None
        return task

    def is_fit(self, worker_id: UUID | None, project_id: UUID) -> bool:
        """Whether the worker may be given tasks of the project."""
        if worker_id is None or worker_id not in self.projects[project_id].members:
            return False
        return self.workers[worker_id].is_active

    def is_met(self, link: Link) -> bool:
        blocker = self.tasks[link[1]]
        if not blocker.is_live or blocker.status == "completed":
            return True
        return self.edges[link] == "ignore" and blocker.status in {"failed", "cancelled"}

    def unmet(self, task: TaskFacts) -> int:
        return sum(not self.is_met(link) for link in self.edges if link[0] == task.id)

    def waits_for(self, task_id: UUID, other_id: UUID) -> bool:
        """Directly or through others."""
        firsts = [blocker for waiting, blocker in self.edges if waiting == task_id]
        return other_id in firsts or any(self.waits_for(first, other_id) for first in firsts)

    def children(self, task: TaskFacts) -> list[TaskFacts]:
        return [child for child in self.tasks.values() if child.parent == task.id]

    def below(self, task: TaskFacts) -> list[TaskFacts]:
        return [found for child in self.children(task) for found in (child, *self.below(child))]

    def above(self, task: TaskFacts) -> list[TaskFacts]:
        if task.parent is None:
            return []
        parent = self.tasks[task.parent]
        return [parent, *self.above(parent)]

    def height(self, task: TaskFacts) -> int:
        """How many levels the task and what is below it need."""
        return 1 + max((self.height(child) for child in self.children(task)), default=0)

    def has_open_subtasks(self, task: TaskFacts) -> bool:
        return any(child.is_open for child in self.children(task))

    def asks_for_review(self, task: TaskFacts) -> bool:
        policy = self.projects[task.project].policy
        return policy == "all" or (policy == "critical" and task.priority == "critical")

    def learn_versions(self, versions: dict[UUID, int]) -> None:
        """Of what may have been told, whether it was."""
        for task_id, more in self.maybe_told.items():
            if (
                self.tasks[task_id].version
                < versions[task_id]
                <= self.tasks[task_id].version + more
            ):
                self.tasks[task_id].version = versions[task_id]
        self.maybe_told.clear()

    def held_by(self, worker_id: UUID) -> int:
        return sum(
            task.lease is not None and task.lease.holder == worker_id
            for task in self.tasks.values()
        )

    def counted(self, project_id: UUID) -> tuple[int, int]:
        """Live tasks of the project, and completed ones among them."""
        own = [task for task in self.tasks.values() if task.project == project_id and task.is_live]
        return len(own), sum(task.status == "completed" for task in own)
