from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from db.models.base import (
    Table,
    counter_column,
    identity_column,
    json_column,
    text_column,
    time_column,
)


class Event(Table, table=True):
    """One act on one entity. Append-only: no service may change it, and a trigger refuses.

    No foreign keys: the reference is polymorphic and on the hot path; `verify` checks it.
    """

    __table_args__ = (
        Index("ix_event_by_job", "tenant_id", "job_id"),
        Index("ix_event_by_time", "tenant_id", "at"),
        CheckConstraint(
            "entity_type IN ('project', 'worker', 'task')", name="entity_type_is_known"
        ),
        CheckConstraint("seq >= 1", name="seq_is_positive"),
        CheckConstraint("jsonb_typeof(data) = 'object'", name="data_is_an_object"),
    )

    tenant_id: UUID = Field(primary_key=True)
    entity_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    entity_type: str = text_column()
    kind: str = text_column()
    actor_id: UUID | None = None
    actor_name: str | None = text_column(nullable=True)
    title: str = text_column()
    job_id: UUID
    data: dict[str, Any] = json_column("{}")
    at: datetime = time_column()
    schema_version: int = counter_column(1)


class Outbox(Table, table=True):
    """Events that are not published yet, in the order of their commit's making."""

    position: int | None = Field(default=None, sa_column=identity_column())
    tenant_id: UUID
    entity_id: UUID
    seq: int
