"""What is dead, one by one and in groups of equal errors. One statement each."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import table_of
from db.models import Tenant
from db.reads.dead_filters import ALL_DEAD, DeadFilters, branches, together
from db.reads.paging import NOBODY, PAGE_ROWS, Page, page, place_of, require_limit

TENANT = table_of(Tenant)
Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]


@dataclass(frozen=True, slots=True)
class Dead:
    """A job of a tenant's ledger, or a dead letter, which has no tenant and no kind.

    `at`: when it was buried, parked or received. `fingerprint`: equal for equal errors.
    """

    id: UUID
    tenant_id: UUID | None
    tenant: str | None
    kind: str | None
    reason: str
    error: str | None
    fingerprint: str
    attempts: int
    at: datetime
    discarded_at: datetime | None


COLUMNS = [field.name for field in fields(Dead) if field.name != "tenant"]


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """Those with one fingerprint; `error` and `last_id` are of the latest."""

    fingerprint: str
    reason: str
    kind: str | None
    number: int
    tenants: int
    first_at: datetime
    last_at: datetime
    last_id: UUID
    error: str | None


async def list_dead(
    connection: AsyncConnection,
    filters: DeadFilters = ALL_DEAD,
    *,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[Dead]:
    """A page, the latest first. Raises BadLimit and BadCursor."""
    require_limit(limit)
    last = None if after is None else place_of(after, AwareDatetime, UUID, UUID)
    rows = await connection.execute(_ordered(filters, limit + 1, descending=True, last=last))
    found = [Dead(**row) for row in rows.mappings()]
    return page(found, limit, lambda dead: (dead.at, dead.id, dead.tenant_id or NOBODY))


async def find_dead(connection: AsyncConnection, filters: DeadFilters, *, limit: int) -> list[Dead]:
    """At most `limit`, however many, the oldest first: for acts on all of them."""
    rows = await connection.execute(_ordered(filters, limit, descending=False))
    return [Dead(**row) for row in rows.mappings()]


async def group_dead(
    connection: AsyncConnection,
    filters: DeadFilters = ALL_DEAD,
    *,
    limit: int = PAGE_ROWS,
    after: str | None = None,
) -> Page[DeadGroup]:
    """A page of groups, the one that grew last first. Raises BadLimit and BadCursor."""
    require_limit(limit)
    dead = together(branches(filters)).subquery("dead")
    place = (func.max(dead.c.at), dead.c.fingerprint)
    statement = select(
        dead.c.fingerprint,
        func.min(dead.c.reason).label("reason"),
        func.min(dead.c.kind).label("kind"),
        func.count().label("number"),
        func.count(dead.c.tenant_id.distinct()).label("tenants"),
        func.min(dead.c.at).label("first_at"),
        func.max(dead.c.at).label("last_at"),
        _of_the_latest(dead, "id").label("last_id"),
        _of_the_latest(dead, "error").label("error"),
    ).group_by(dead.c.fingerprint)
    if after is not None:
        statement = statement.having(
            tuple_(*place) < tuple_(*place_of(after, AwareDatetime, Fingerprint))
        )
    ordered = statement.order_by(*(column.desc() for column in place)).limit(limit + 1)
    groups = [DeadGroup(**row) for row in (await connection.execute(ordered)).mappings()]
    return page(groups, limit, lambda group: (group.last_at, group.fingerprint))


def _of_the_latest(dead: Any, name: str) -> Any:
    return func.array_agg(aggregate_order_by(dead.c[name], dead.c.at.desc(), dead.c.id))[1]


def _ordered(
    filters: DeadFilters, limit: int, *, descending: bool, last: Any = None
) -> Select[Any]:
    """Each branch gives its first rows, by an index of its own; together they give the first."""
    parts = [_first(part, limit, descending=descending, last=last) for part in branches(filters)]
    dead = together(parts).subquery("dead")
    return (
        select(*(dead.c[name] for name in COLUMNS), TENANT.c.slug.label("tenant"))
        .outerjoin(TENANT, TENANT.c.id == dead.c.tenant_id)
        .order_by(*_directed(_place(dead.c), descending=descending))
        .limit(limit)
    )


def _first(part: Select[Any], limit: int, *, descending: bool, last: Any) -> Select[Any]:
    place = _place(part.selected_columns)
    if last is not None:
        part = part.where(tuple_(*place) < tuple_(*last))
    return part.order_by(*_directed(place, descending=descending)).limit(limit)


def _place(columns: Any) -> tuple[Any, ...]:
    return columns["at"], columns["id"], columns["owner"]


def _directed(columns: tuple[Any, ...], *, descending: bool) -> list[Any]:
    return [column.desc() if descending else column for column in columns]
