"""What all tables have in common: schema, names of constraints, kinds of columns."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SCHEMA = "taskrail"
NOW = sql("clock_timestamp()")
"""Not now(): a transaction that waited for a lock would write a later seq with an earlier time."""

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    },
)


class Table(SQLModel):
    """Base of all tables. Its relationships are for reads: viewonly, never loaded by surprise."""

    metadata = metadata


READ_ONLY = {"lazy": "raise", "viewonly": True}
"""Relationships: rows are written by the repositories only."""


def text_column(default: str | None = None, **options: Any) -> Any:
    """Text of any length; what bounds it is a CHECK."""
    kwargs = {} if default is None else {"server_default": default}
    if default is not None:
        options["default"] = default
    return Field(sa_type=Text, sa_column_kwargs=kwargs, **options)


def time_column(**options: Any) -> Any:
    """A time that is always there: the database's, unless the writer has one."""
    return Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": NOW},
        **options,
    )


def optional_time_column() -> Any:
    return Field(default=None, sa_type=DateTime(timezone=True))


def json_column(default: str | None = None) -> Any:
    """JSONB; with a default ('[]' or '{}') never null, also for a raw INSERT without it."""
    if default is None:
        return Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    return Field(
        default_factory=list if default == "[]" else dict,
        sa_type=JSONB(none_as_null=True),
        sa_column_kwargs={"server_default": sql(f"'{default}'::jsonb")},
        nullable=False,
    )


def counter_column(default: int = 0) -> Any:
    return Field(default=default, sa_column_kwargs={"server_default": sql(str(default))})


def amount_column() -> Any:
    """A sum that may outgrow 32 bits."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": sql("0")})


def identity_column() -> Column[int]:
    """A position in arrival order, given by the database."""
    return Column(BigInteger, Identity(always=True), primary_key=True)
