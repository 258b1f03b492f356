from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field

from db.models.base import Table, text_column

TASK = ["taskrail.task.tenant_id", "taskrail.task.id"]


class Dependency(Table, table=True):
    """A task that waits for another one of its project."""

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "task_id"], TASK),
        ForeignKeyConstraint(["tenant_id", "depends_on_id"], TASK),
        Index("ix_dependency_by_blocker", "tenant_id", "depends_on_id"),
        CheckConstraint("task_id <> depends_on_id", name="blocker_is_another"),
        CheckConstraint("on_failure IN ('block', 'cancel', 'ignore')", name="on_failure_is_known"),
    )

    tenant_id: UUID = Field(primary_key=True)
    task_id: UUID = Field(primary_key=True)
    depends_on_id: UUID = Field(primary_key=True)
    on_failure: str = text_column("block")
