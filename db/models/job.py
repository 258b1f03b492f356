from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field

from db.models.base import (
    Table,
    counter_column,
    json_column,
    optional_time_column,
    text_column,
    time_column,
)


class Job(Table, table=True):
    """The ledger: every job that was accepted, and how it ended.

    An accepted one with a fingerprint is parked: no worker has known its kind or version yet.
    `attempts`: how often it was tried. `deliveries`: how many processes may have died with it.
    """

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["taskrail.tenant.id"]),
        Index("ix_job_to_feed", "next_feed_at", postgresql_where=text("status = 'accepted'")),
        Index(
            "ix_job_waiting_by_task",
            "tenant_id",
            text("((envelope -> 'payload'::text) ->> 'task_id'::text)"),
            postgresql_where=text("status = 'accepted'"),
        ),
        Index(
            "ix_job_buried_by_fingerprint",
            "fingerprint",
            postgresql_where=text("status = 'buried'"),
        ),
        Index(
            "ix_job_buried_by_time",
            "settled_at",
            "id",
            "tenant_id",
            postgresql_where=text("status = 'buried'"),
        ),
        Index(
            "ix_job_parked",
            "accepted_at",
            "id",
            "tenant_id",
            postgresql_where=text("status = 'accepted' AND fingerprint IS NOT NULL"),
        ),
        CheckConstraint(
            "status IN ('accepted', 'applied', 'rejected', 'buried')", name="status_is_known"
        ),
        CheckConstraint("kind ~ '^[a-z][a-z0-9_.]{0,63}$'", name="kind_is_plain"),
        CheckConstraint("jsonb_typeof(envelope) = 'object'", name="envelope_is_an_object"),
        CheckConstraint(
            "(status = 'accepted') = (settled_at IS NULL)", name="settled_has_its_time"
        ),
        CheckConstraint(
            "(status = 'accepted') = (outcome IS NULL)", name="settled_has_its_outcome"
        ),
        CheckConstraint(
            "(status = 'accepted') = (next_feed_at IS NOT NULL)", name="accepted_is_fed"
        ),
        CheckConstraint("events >= 0 AND attempts >= 0", name="counts_are_not_negative"),
        CheckConstraint("deliveries >= 0", name="deliveries_are_not_negative"),
        CheckConstraint("discarded_at IS NULL OR status = 'buried'", name="discarded_was_buried"),
    )

    tenant_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    kind: str = text_column()
    envelope: dict[str, Any] = json_column("{}")
    status: str = text_column("accepted")
    outcome: dict[str, Any] | None = json_column()
    events: int = counter_column()
    error: str | None = text_column(nullable=True)
    traceback: str | None = text_column(nullable=True)
    fingerprint: str | None = text_column(nullable=True)
    attempts: int = counter_column()
    deliveries: int = counter_column()
    accepted_at: datetime = time_column()
    next_feed_at: datetime | None = optional_time_column()
    settled_at: datetime | None = optional_time_column()
    discarded_at: datetime | None = optional_time_column()


class DeadLetter(Table, table=True):
    """What has no place in a tenant's ledger, byte for byte (the first 1 MiB)."""

    __tablename__ = "dead_letter"
    __table_args__ = (
        Index("ix_dead_letter_by_fingerprint", "fingerprint"),
        Index(
            "ix_dead_letter_by_time",
            "received_at",
            "id",
            postgresql_where=text("replayed_at IS NULL"),
        ),
        CheckConstraint(
            "reason IN ('unreadable', 'unknown_tenant', 'payload_gone', 'forged')",
            name="reason_is_known",
        ),
        CheckConstraint("octet_length(raw) <= 1048576", name="raw_size"),
        CheckConstraint("replayed_at IS NULL OR discarded_at IS NULL", name="ends_once"),
    )

    id: UUID = Field(primary_key=True)
    received_at: datetime = time_column()
    queue: str = text_column()
    arq_id: str = text_column()
    raw: bytes
    size: int = Field(sa_type=BigInteger)
    sha256: str = text_column()
    reason: str = text_column()
    fingerprint: str = text_column()
    error: str = text_column("")
    traceback: str | None = text_column(nullable=True)
    attempts: int = counter_column(1)
    replayed_at: datetime | None = optional_time_column()
    discarded_at: datetime | None = optional_time_column()
