from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field

from db.models.base import Table, optional_time_column, text_column, time_column


class Comment(Table, table=True):
    """What somebody said about a task."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "task_id"], ["taskrail.task.tenant_id", "taskrail.task.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "author_id"], ["taskrail.worker.tenant_id", "taskrail.worker.id"]
        ),
        Index("ix_comment_by_task", "tenant_id", "task_id", "created_at"),
        Index("ix_comment_by_author", "tenant_id", "author_id"),
        CheckConstraint("length(body) BETWEEN 1 AND 10000", name="body_length"),
    )

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    task_id: UUID
    author_id: UUID | None = None
    body: str = text_column()
    created_at: datetime = time_column()
    deleted_at: datetime | None = optional_time_column()
