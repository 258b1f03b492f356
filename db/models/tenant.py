from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from db.models.base import Table, optional_time_column, text_column, time_column


class Tenant(Table, table=True):
    """Whose data it is. Everything else leads with this id."""

    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug ~ '^[a-z0-9-]{1,63}$'", name="slug_is_short_and_plain"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
    )

    id: UUID = Field(primary_key=True)
    slug: str = text_column()
    name: str = text_column()
    created_at: datetime = time_column()
    suspended_at: datetime | None = optional_time_column()
