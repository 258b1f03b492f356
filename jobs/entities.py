"""The entities as rules see them: one slotted dataclass a table, one attribute a column.

Repositories make them of rows, rules change them through the board, the unit of work saves them.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

Key = tuple[UUID, UUID]
"""(tenant_id, id)"""
Edge = tuple[UUID, UUID, UUID]
"""(tenant_id, one id, another)"""


class TaskStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    REVIEW = "review"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset(
    {TaskStatus.PENDING, TaskStatus.IN_PROGRESS, TaskStatus.REVIEW, TaskStatus.BLOCKED}
)


class Priority(IntEnum):
    """Stored and ordered as its rank; on the wire it is the word."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class ProjectStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class ApprovalPolicy(StrEnum):
    NONE = "none"
    ALL = "all"
    CRITICAL = "critical"


class WorkerKind(StrEnum):
    HUMAN = "human"
    AGENT = "agent"


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"


class OnFailure(StrEnum):
    BLOCK = "block"
    CANCEL = "cancel"
    IGNORE = "ignore"


@dataclass(slots=True)
class Tenant:
    id: UUID
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None = None


@dataclass(slots=True)
class Project:
    tenant_id: UUID
    id: UUID
    slug: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    status: ProjectStatus = ProjectStatus.ACTIVE
    approval_policy: ApprovalPolicy = ApprovalPolicy.NONE
    budget: dict[str, Any] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    deleted_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.tenant_id, self.id


@dataclass(slots=True)
class Worker:
    tenant_id: UUID
    id: UUID
    handle: str
    name: str
    kind: WorkerKind
    created_at: datetime
    updated_at: datetime
    email: str | None = None
    agent_type: str | None = None
    capabilities: list[str] = field(default_factory=list)
    max_concurrent_tasks: int | None = None
    last_seen_at: datetime | None = None
    deactivated_at: datetime | None = None
    version: int = 0

    @property
    def key(self) -> Key:
        return self.tenant_id, self.id


@dataclass(slots=True)
class Member:
    tenant_id: UUID
    project_id: UUID
    worker_id: UUID
    role: Role
    joined_at: datetime

    @property
    def key(self) -> Edge:
        return self.tenant_id, self.project_id, self.worker_id


@dataclass(slots=True)
class Task:
    tenant_id: UUID
    id: UUID
    project_id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    created_by_id: UUID | None = None
    assignee_id: UUID | None = None
    parent_id: UUID | None = None
    description: str | None = None
    status: TaskStatus = TaskStatus.PENDING
    priority: Priority = Priority.MEDIUM
    progress: int = 0
    tags: list[str] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    required_capabilities: list[str] = field(default_factory=list)
    due_at: datetime | None = None
    run_after: datetime | None = None
    attempt: int = 0
    max_attempts: int = 3
    blocked_reason: str | None = None
    question: dict[str, Any] | None = None
    result: Any = None
    failure: dict[str, Any] | None = None
    budget: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    recurrence: dict[str, Any] | None = None
    last_token: int = 0
    unmet_dependencies: int = 0
    submitted_by_id: UUID | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    version: int = 0
    deleted_at: datetime | None = None
    deletion_id: UUID | None = None
    purged_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.tenant_id, self.id

    @property
    def is_open(self) -> bool:
        return self.status in OPEN and self.deleted_at is None


@dataclass(slots=True)
class Lease:
    tenant_id: UUID
    task_id: UUID
    holder_id: UUID
    token: int
    expires_at: datetime
    renewed_at: datetime
    previous_assignee_id: UUID | None = None

    @property
    def key(self) -> Key:
        return self.tenant_id, self.task_id


@dataclass(slots=True)
class Dependency:
    tenant_id: UUID
    task_id: UUID
    depends_on_id: UUID
    on_failure: OnFailure = OnFailure.BLOCK

    @property
    def key(self) -> Edge:
        return self.tenant_id, self.task_id, self.depends_on_id

    @property
    def dependent(self) -> Key:
        return self.tenant_id, self.task_id

    @property
    def blocker(self) -> Key:
        return self.tenant_id, self.depends_on_id


@dataclass(slots=True)
class Comment:
    tenant_id: UUID
    id: UUID
    task_id: UUID
    author_id: UUID | None
    body: str
    created_at: datetime
    deleted_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.tenant_id, self.id


@dataclass(slots=True)
class Tally:
    """What is to be added to a project's counters."""

    tenant_id: UUID
    project_id: UUID
    tasks: int = 0
    completed: int = 0
    attempts: int = 0
    tokens: int = 0
    money_micros: int = 0
    wall_seconds: int = 0

    @property
    def key(self) -> Key:
        return self.tenant_id, self.project_id

    def plus(self, **more: int) -> "Tally":
        return replace(self, **{name: getattr(self, name) + n for name, n in more.items()})


@dataclass(frozen=True, slots=True)
class Event:
    """One act on one entity; `data` holds the new values of the columns and parts it changed."""

    tenant_id: UUID
    entity_type: str
    entity_id: UUID
    seq: int
    kind: str
    actor_id: UUID | None
    actor_name: str | None
    title: str
    job_id: UUID
    data: dict[str, Any]
    at: datetime
    schema_version: int = 1
