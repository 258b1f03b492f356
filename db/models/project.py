from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from db.models.base import (
    Table,
    amount_column,
    counter_column,
    identity_column,
    json_column,
    optional_time_column,
    text_column,
    time_column,
)


class Project(Table, table=True):
    """What tasks are done for. Its counters are derived: folded from `tally` by a loop."""

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["taskrail.tenant.id"]),
        Index(
            "uq_project_slug_among_live",
            "tenant_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("slug ~ '^[a-z0-9-]{1,63}$'", name="slug_is_short_and_plain"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("status IN ('active', 'archived')", name="status_is_known"),
        CheckConstraint(
            "approval_policy IN ('none', 'all', 'critical')", name="approval_policy_is_known"
        ),
        CheckConstraint("jsonb_typeof(attributes) = 'object'", name="attributes_are_an_object"),
        CheckConstraint("pg_column_size(attributes) <= 524288", name="attributes_size"),
        CheckConstraint("jsonb_typeof(budget) = 'object'", name="budget_is_an_object"),
        CheckConstraint("version >= 1", name="version_is_positive"),
    )

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    slug: str = text_column()
    name: str = text_column()
    description: str | None = text_column(nullable=True)
    status: str = text_column("active")
    approval_policy: str = text_column("none")
    budget: dict[str, Any] | None = json_column()
    attributes: dict[str, Any] = json_column("{}")
    task_count: int = counter_column()
    completed_count: int = counter_column()
    used_attempts: int = amount_column()
    used_tokens: int = amount_column()
    used_money_micros: int = amount_column()
    used_wall_seconds: int = amount_column()
    version: int = counter_column(1)
    created_at: datetime = time_column()
    updated_at: datetime = time_column()
    deleted_at: datetime | None = optional_time_column()


class Tally(Table, table=True):
    """Counter deltas that are not folded into their project yet."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "project_id"], ["taskrail.project.tenant_id", "taskrail.project.id"]
        ),
        Index("ix_tally_by_project", "tenant_id", "project_id"),
    )

    position: int | None = Field(default=None, sa_column=identity_column())
    tenant_id: UUID
    project_id: UUID
    tasks: int = counter_column()
    completed: int = counter_column()
    attempts: int = amount_column()
    tokens: int = amount_column()
    money_micros: int = amount_column()
    wall_seconds: int = amount_column()
