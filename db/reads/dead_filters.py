"""Which of the dead a list is about, and the three places where they are found."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    DateTime,
    Select,
    Text,
    Uuid,
    cast,
    literal,
    literal_column,
    null,
    select,
    union_all,
)

from db.arrays import table_of
from db.models import DeadLetter, Job
from db.reads.paging import NOBODY

"""Whose dead letters are, so that all rows have a place in one order."""
JOB, LETTER = table_of(Job), table_of(DeadLetter)


class Reason(StrEnum):
    """Why something is dead. What is parked is not: it waits for a worker that knows it."""

    BURIED = "buried"
    UNREADABLE = "unreadable"
    UNKNOWN_TENANT = "unknown_tenant"
    PAYLOAD_GONE = "payload_gone"
    FORGED = "forged"
    PARKED = "parked"


OF_LETTERS = (Reason.UNREADABLE, Reason.UNKNOWN_TENANT, Reason.PAYLOAD_GONE, Reason.FORGED)
DEAD = (Reason.BURIED, *OF_LETTERS)


@dataclass(frozen=True, slots=True)
class DeadFilters:
    """What is given must hold. Dead letters have neither tenant nor kind.

    `since` (included) and `until` (not included) bound when it was buried, parked or received.
    """

    reasons: tuple[Reason, ...] = DEAD
    tenant_id: UUID | None = None
    kind: str | None = None
    fingerprint: str | None = None
    ids: tuple[UUID, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    with_discarded: bool = False


ALL_DEAD = DeadFilters()


def branches(filters: DeadFilters) -> list[Select[Any]]:
    """A SELECT with equal columns for each place that may have something."""
    found = []
    if Reason.BURIED in filters.reasons:
        found.append(_buried(filters))
    if Reason.PARKED in filters.reasons:
        found.append(_parked(filters))
    if set(filters.reasons) & set(OF_LETTERS) and not (filters.tenant_id or filters.kind):
        found.append(_letters(filters))
    return found or [_buried(filters).where(literal_column("false"))]


def together(parts: list[Select[Any]]) -> CompoundSelect[Any]:
    """Their rows, each part with an order and a limit of its own."""
    return union_all(*(select(part.subquery()) for part in parts))


def _buried(filters: DeadFilters) -> Select[Any]:
    """The status is no parameter: so the partial indexes are seen to fit."""
    statement = _of_jobs(JOB.c.settled_at, Reason.BURIED).where(
        JOB.c.status == literal_column("'buried'"), *_of_a_job(filters, JOB.c.settled_at)
    )
    if filters.with_discarded:
        return statement
    return statement.where(JOB.c.discarded_at.is_(None))


def _parked(filters: DeadFilters) -> Select[Any]:
    return _of_jobs(JOB.c.accepted_at, Reason.PARKED).where(
        JOB.c.status == literal_column("'accepted'"),
        JOB.c.fingerprint.is_not(None),
        *_of_a_job(filters, JOB.c.accepted_at),
    )


def _of_jobs(at: ColumnElement[Any], reason: Reason) -> Select[Any]:
    return select(
        at.label("at"),
        JOB.c.tenant_id.label("owner"),
        *(JOB.c[name] for name in ("id", "tenant_id", "kind")),
        literal(reason.value, Text).label("reason"),
        *(JOB.c[name] for name in ("error", "fingerprint", "attempts", "discarded_at")),
    )


def _letters(filters: DeadFilters) -> Select[Any]:
    wanted = [reason.value for reason in OF_LETTERS if reason in filters.reasons]
    statement = select(
        LETTER.c.received_at.label("at"),
        literal(NOBODY, Uuid).label("owner"),
        LETTER.c.id,
        cast(null(), Uuid).label("tenant_id"),
        cast(null(), Text).label("kind"),
        *(LETTER.c[name] for name in ("reason", "error", "fingerprint", "attempts")),
        cast(LETTER.c.discarded_at, DateTime(timezone=True)).label("discarded_at"),
    ).where(
        LETTER.c.replayed_at.is_(None),
        LETTER.c.reason.in_(wanted),
        *_common(filters, LETTER, LETTER.c.received_at),
    )
    return statement if filters.with_discarded else statement.where(LETTER.c.discarded_at.is_(None))


def _of_a_job(filters: DeadFilters, at: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
    yield from _common(filters, JOB, at)
    if filters.tenant_id is not None:
        yield JOB.c.tenant_id == filters.tenant_id
    if filters.kind is not None:
        yield JOB.c.kind == filters.kind


def _common(
    filters: DeadFilters, rows: Any, at: ColumnElement[Any]
) -> Iterator[ColumnElement[bool]]:
    if filters.fingerprint is not None:
        yield rows.c.fingerprint == filters.fingerprint
    if filters.ids:
        yield rows.c.id.in_(filters.ids)
    if filters.since is not None:
        yield at >= filters.since
    if filters.until is not None:
        yield at < filters.until
