from datetime import datetime
from typing import Any, Optional
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, text
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Relationship

from db.models.base import (
    READ_ONLY,
    Table,
    counter_column,
    json_column,
    optional_time_column,
    text_column,
    time_column,
)
from db.models.project import Project
from db.models.worker import Worker

WORKER = ["taskrail.worker.tenant_id", "taskrail.worker.id"]
LIVE = text("deleted_at IS NULL")
TO_REMIND = text(
    "deleted_at IS NULL AND assignee_id IS NOT NULL"
    " AND status IN ('pending', 'in_progress', 'review', 'blocked')"
)
TO_RECUR = text(
    "deleted_at IS NULL AND status <> 'cancelled'"
    " AND recurrence ->> 'trigger' IN ('on_due', 'both') AND NOT recurrence ? 'successor_id'"
)
TO_PURGE = text("deleted_at IS NOT NULL AND purged_at IS NULL")
DUE = text("coalesce(due_at, 'infinity'::timestamptz)")
"""What is due never comes last, so that one index serves the order with its nulls."""


class Task(Table, table=True):
    """The work that humans and agents do. Leases stand apart, so that renewals touch no index."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "project_id"], ["taskrail.project.tenant_id", "taskrail.project.id"]
        ),
        ForeignKeyConstraint(["tenant_id", "assignee_id"], WORKER),
        ForeignKeyConstraint(["tenant_id", "created_by_id"], WORKER),
        ForeignKeyConstraint(["tenant_id", "submitted_by_id"], WORKER),
        ForeignKeyConstraint(
            ["tenant_id", "parent_id"], ["taskrail.task.tenant_id", "taskrail.task.id"]
        ),
        Index(
            "ix_task_ready_to_dispatch",
            "tenant_id",
            "project_id",
            text("priority DESC"),
            text("due_at ASC NULLS LAST"),
            "created_at",
            "id",
            postgresql_where=text(
                "status = 'pending' AND deleted_at IS NULL AND unmet_dependencies = 0"
            ),
        ),
        Index("ix_task_by_project", "tenant_id", "project_id", "status", postgresql_where=LIVE),
        Index("ix_task_by_assignee", "tenant_id", "assignee_id", "completed_at"),
        Index("ix_task_by_parent", "tenant_id", "parent_id"),
        Index("ix_task_by_creator", "tenant_id", "created_by_id"),
        Index(
            "ix_task_by_submitter",
            "tenant_id",
            "submitted_by_id",
            postgresql_where=text("submitted_by_id IS NOT NULL"),
        ),
        Index("ix_task_by_creation", "tenant_id", "created_at", "id", postgresql_where=LIVE),
        Index("ix_task_by_due", "tenant_id", DUE, "id", postgresql_where=LIVE),
        Index("ix_task_by_priority", "tenant_id", "priority", "id", postgresql_where=LIVE),
        Index("ix_task_by_title", "tenant_id", "title", "id", postgresql_where=LIVE),
        Index(
            "ix_task_by_deletion",
            "tenant_id",
            "deleted_at",
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
        Index("ix_task_to_remind", "due_at", "tenant_id", "id", postgresql_where=TO_REMIND),
        Index("ix_task_to_recur", "due_at", "tenant_id", "id", postgresql_where=TO_RECUR),
        Index("ix_task_to_purge", "deleted_at", "tenant_id", "id", postgresql_where=TO_PURGE),
        CheckConstraint("length(title) BETWEEN 1 AND 500", name="title_length"),
        CheckConstraint(
            "status IN ('pending', 'in_progress', 'review', 'blocked', 'completed', 'failed',"
            " 'cancelled')",
            name="status_is_known",
        ),
        CheckConstraint("priority BETWEEN 0 AND 3", name="priority_is_a_rank"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress_is_percent"),
        CheckConstraint("jsonb_typeof(tags) = 'array'", name="tags_are_a_list"),
        CheckConstraint("jsonb_array_length(tags) <= 50", name="tags_number"),
        # The stored size: it is up to six times that of compact JSON (digits), while the text
        # of JSONB can be fifty times as long (1e308). Bounded by eight times the limit.
        CheckConstraint("jsonb_typeof(attributes) = 'object'", name="attributes_are_an_object"),
        CheckConstraint("pg_column_size(attributes) <= 524288", name="attributes_size"),
        CheckConstraint(
            "jsonb_typeof(required_capabilities) = 'array'", name="capabilities_are_a_list"
        ),
        CheckConstraint("pg_column_size(result) <= 2097152", name="result_size"),
        CheckConstraint("attempt BETWEEN 0 AND max_attempts", name="attempt_is_bounded"),
        CheckConstraint("max_attempts >= 1", name="max_attempts_is_positive"),
        CheckConstraint("parent_id <> id", name="parent_is_another"),
        CheckConstraint("last_token >= 0", name="token_is_not_negative"),
        CheckConstraint("unmet_dependencies >= 0", name="unmet_is_not_negative"),
        CheckConstraint(
            "(status = 'completed') = (completed_at IS NOT NULL)", name="completed_has_its_time"
        ),
        CheckConstraint("status <> 'completed' OR progress = 100", name="completed_is_whole"),
        CheckConstraint(
            "(status = 'blocked') = (blocked_reason IS NOT NULL)", name="blocked_has_its_reason"
        ),
        CheckConstraint(
            "status NOT IN ('in_progress', 'review') OR started_at IS NOT NULL",
            name="work_has_its_start",
        ),
        CheckConstraint("(deleted_at IS NULL) = (deletion_id IS NULL)", name="deletion_has_its_id"),
        CheckConstraint("purged_at IS NULL OR deleted_at IS NOT NULL", name="purged_is_deleted"),
        CheckConstraint("version >= 1", name="version_is_positive"),
        {"postgresql_with": {"fillfactor": "85"}},
    )

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    project_id: UUID
    title: str = text_column()
    created_by_id: UUID | None = None
    assignee_id: UUID | None = None
    parent_id: UUID | None = None
    description: str | None = text_column(nullable=True)
    status: str = text_column("pending")
    priority: int = Field(
        default=1, sa_type=SmallInteger, sa_column_kwargs={"server_default": text("1")}
    )
    progress: int = counter_column()
    tags: list[str] = json_column("[]")
    attributes: dict[str, Any] = json_column("{}")
    required_capabilities: list[str] = json_column("[]")
    due_at: datetime | None = optional_time_column()
    run_after: datetime | None = optional_time_column()
    attempt: int = counter_column()
    max_attempts: int = counter_column(3)
    blocked_reason: str | None = text_column(nullable=True)
    question: dict[str, Any] | None = json_column()
    result: Any = json_column()
    failure: dict[str, Any] | None = json_column()
    budget: dict[str, Any] | None = json_column()
    usage: dict[str, Any] | None = json_column()
    recurrence: dict[str, Any] | None = json_column()
    last_token: int = counter_column()
    unmet_dependencies: int = counter_column()
    submitted_by_id: UUID | None = None
    started_at: datetime | None = optional_time_column()
    completed_at: datetime | None = optional_time_column()
    version: int = counter_column(1)
    created_at: datetime = time_column()
    updated_at: datetime = time_column()
    deleted_at: datetime | None = optional_time_column()
    deletion_id: UUID | None = None
    purged_at: datetime | None = optional_time_column()

    project: Mapped[Project] = Relationship(sa_relationship_kwargs=READ_ONLY)
    assignee: Mapped[Optional[Worker]] = Relationship(
        sa_relationship_kwargs=READ_ONLY | {"foreign_keys": "[Task.tenant_id, Task.assignee_id]"}
    )
    creator: Mapped[Optional[Worker]] = Relationship(
        sa_relationship_kwargs=READ_ONLY | {"foreign_keys": "[Task.tenant_id, Task.created_by_id]"}
    )
    parent: Mapped[Optional["Task"]] = Relationship(
        sa_relationship_kwargs=READ_ONLY
        | {
            "foreign_keys": "[Task.tenant_id, Task.parent_id]",
            "remote_side": "[Task.tenant_id, Task.id]",
        }
    )
    subtasks: Mapped[list["Task"]] = Relationship(
        sa_relationship_kwargs=READ_ONLY
        | {
            "foreign_keys": "[Task.tenant_id, Task.parent_id]",
            "remote_side": "[Task.tenant_id, Task.parent_id]",
        }
    )
