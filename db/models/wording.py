from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field

from db.models.base import Table, json_column, text_column


class Wording(Table, table=True):
    """What is searched in a task; the database keeps it true itself (0007_wording.sql)."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "task_id"], ["taskrail.task.tenant_id", "taskrail.task.id"]
        ),
        Index("ix_wording_by_project", "tenant_id", "project_id"),
        Index(
            "ix_wording_words",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
        Index(
            "ix_wording_tags",
            "tags",
            postgresql_using="gin",
            postgresql_ops={"tags": "jsonb_path_ops"},
        ),
    )

    tenant_id: UUID = Field(primary_key=True)
    task_id: UUID = Field(primary_key=True)
    project_id: UUID
    words: str = text_column()
    tags: list[str] = json_column("[]")
