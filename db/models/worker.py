from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from db.models.base import (
    Table,
    counter_column,
    json_column,
    optional_time_column,
    text_column,
    time_column,
)


class Worker(Table, table=True):
    """Who works: a human or an AI agent."""

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["taskrail.tenant.id"]),
        UniqueConstraint("tenant_id", "handle"),
        CheckConstraint("handle ~ '^@[a-z0-9_-]{1,49}$'", name="handle_is_short_and_plain"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("kind IN ('human', 'agent')", name="kind_is_known"),
        CheckConstraint("(kind = 'agent') = (agent_type IS NOT NULL)", name="agents_have_a_type"),
        CheckConstraint("kind = 'human' OR email IS NULL", name="only_humans_have_email"),
        CheckConstraint("jsonb_typeof(capabilities) = 'array'", name="capabilities_are_a_list"),
        CheckConstraint("max_concurrent_tasks >= 1", name="room_is_positive"),
        CheckConstraint("version >= 1", name="version_is_positive"),
    )

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    handle: str = text_column()
    name: str = text_column()
    kind: str = text_column()
    email: str | None = text_column(nullable=True)
    agent_type: str | None = text_column(nullable=True)
    capabilities: list[str] = json_column("[]")
    max_concurrent_tasks: int | None = None
    last_seen_at: datetime | None = optional_time_column()
    deactivated_at: datetime | None = optional_time_column()
    version: int = counter_column(1)
    created_at: datetime = time_column()
    updated_at: datetime = time_column()


class Member(Table, table=True):
    """Which worker belongs to which project."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "project_id"], ["taskrail.project.tenant_id", "taskrail.project.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "worker_id"], ["taskrail.worker.tenant_id", "taskrail.worker.id"]
        ),
        Index("ix_member_by_worker", "tenant_id", "worker_id"),
        Index(
            "uq_member_one_owner_a_project",
            "tenant_id",
            "project_id",
            unique=True,
            postgresql_where=text("role = 'owner'"),
        ),
        CheckConstraint("role IN ('owner', 'member')", name="role_is_known"),
    )

    tenant_id: UUID = Field(primary_key=True)
    project_id: UUID = Field(primary_key=True)
    worker_id: UUID = Field(primary_key=True)
    role: str = text_column("member")
    joined_at: datetime = time_column()
