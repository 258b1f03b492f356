from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from db.models.base import Table, identity_column, json_column, text_column, time_column


class Intervention(Table, table=True):
    """An operator's act on a dead job, or on a dead letter. Append-only, like the history.

    `before`: what the row was, without envelope or bytes. No foreign keys: acts outlive the ledger.
    """

    __table_args__ = (
        Index("ix_intervention_by_job", "tenant_id", "job_id"),
        Index(
            "ix_intervention_by_letter",
            "letter_id",
            postgresql_where=text("letter_id IS NOT NULL"),
        ),
        CheckConstraint("verb IN ('replay', 'discard')", name="verb_is_known"),
        CheckConstraint("char_length(operator) BETWEEN 1 AND 200", name="operator_is_named"),
        CheckConstraint("verb <> 'discard' OR reason IS NOT NULL", name="discard_has_a_reason"),
        CheckConstraint("char_length(reason) BETWEEN 1 AND 500", name="reason_length"),
        CheckConstraint(
            "letter_id IS NOT NULL OR (tenant_id IS NOT NULL AND job_id IS NOT NULL)",
            name="is_about_something",
        ),
        CheckConstraint("jsonb_typeof(before) = 'object'", name="before_is_an_object"),
    )

    position: int | None = Field(default=None, sa_column=identity_column())
    at: datetime = time_column()
    operator: str = text_column()
    verb: str = text_column()
    reason: str | None = text_column(nullable=True)
    tenant_id: UUID | None = None
    job_id: UUID | None = None
    letter_id: UUID | None = None
    before: dict[str, Any] = json_column("{}")
