from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field

from db.models.base import Table, time_column

TASK = ["taskrail.task.tenant_id", "taskrail.task.id"]
WORKER = ["taskrail.worker.tenant_id", "taskrail.worker.id"]


class Lease(Table, table=True):
    """Who holds a task, and until when. `expires_at` has no index, so that renewals are HOT."""

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "task_id"], TASK),
        ForeignKeyConstraint(["tenant_id", "holder_id"], WORKER),
        ForeignKeyConstraint(["tenant_id", "previous_assignee_id"], WORKER),
        Index("ix_lease_by_holder", "holder_id", postgresql_using="hash"),
        CheckConstraint("token >= 1", name="token_is_positive"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    tenant_id: UUID = Field(primary_key=True)
    task_id: UUID = Field(primary_key=True)
    holder_id: UUID
    token: int
    expires_at: datetime = time_column()
    renewed_at: datetime = time_column()
    previous_assignee_id: UUID | None = None
