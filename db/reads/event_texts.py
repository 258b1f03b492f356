"""Events as the JSON that goes into streams: PostgreSQL writes it, nobody on the way parses it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.reads.paging import NOBODY
from db.repositories.outbox import Unpublished
from jobs.streaming import event_key

PAGE_EVENTS = 200
COLUMNS = """
    event.tenant_id, event.entity_id, event.seq, event.kind, event.at,
    extract(epoch FROM clock_timestamp() - event.at)::float8 AS age_seconds,
    row_to_json(event)::text AS text
"""

OF_ROWS = text(f"""
    WITH told AS (
        SELECT {COLUMNS}, place
        FROM unnest(:tenants, :entities, :seqs) WITH ORDINALITY AS given
            (tenant_id, entity_id, seq, place)
        JOIN taskrail.event USING (tenant_id, entity_id, seq)
    ), measured AS (
        SELECT *, sum(octet_length(text)) OVER (ORDER BY place) AS bytes FROM told
    )
    SELECT tenant_id, entity_id, seq, kind, at, age_seconds,
        CASE WHEN place = 1 OR bytes <= :most_bytes THEN text END AS text
    FROM measured
    ORDER BY place
""").bindparams(  # noqa: S608 - a constant of this module
    bindparam("tenants", type_=ARRAY(Uuid())),
    bindparam("entities", type_=ARRAY(Uuid())),
    bindparam("seqs", type_=ARRAY(Integer())),
    bindparam("most_bytes", type_=BigInteger()),
)
PAGE = text(f"""
    SELECT {COLUMNS}
    FROM taskrail.event
    WHERE tenant_id = :tenant_id AND at >= :at AND at < :until
        AND (at, entity_id, seq) > (:at, :entity_id, :seq)
    ORDER BY at, entity_id, seq LIMIT :most
""").bindparams(  # noqa: S608 - a constant of this module
    bindparam("tenant_id", type_=Uuid()),
    bindparam("entity_id", type_=Uuid()),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class EventText:
    """An event with what its entry says outside of the text; `age_seconds` is since the act."""

    tenant_id: UUID
    entity_id: UUID
    seq: int
    kind: str
    at: datetime
    age_seconds: float
    text: str

    @property
    def key(self) -> str:
        return event_key(self.entity_id, self.seq)


async def texts_of(
    connection: AsyncConnection, rows: Sequence[Unpublished], most_bytes: int
) -> list[EventText]:
    """The events of the first outbox rows, in the same order: one, or more that are not too long.

    Raises LookupError if one of all is not there.
    """
    binds = {
        "tenants": [row.tenant_id for row in rows],
        "entities": [row.entity_id for row in rows],
        "seqs": [row.seq for row in rows],
        "most_bytes": most_bytes,
    }
    found = (await connection.execute(OF_ROWS, binds)).all()
    if len(found) != len(rows):
        missing = len(rows) - len(found)
        raise LookupError(f"{missing} outbox rows name events that are not there: run `verify`")
    return [EventText(*row) for row in found if row.text is not None]


async def texts_between(
    reader: AsyncEngine, tenant_id: UUID, since: datetime, until: datetime
) -> AsyncIterator[list[EventText]]:
    """A tenant's events from `since` to before `until`, a page at a time, in order for each entity.

    Each page is a snapshot of its own, so no row is kept alive for long.
    """
    place: dict[str, Any] = {"at": since, "entity_id": NOBODY, "seq": 0}
    window = {"tenant_id": tenant_id, "until": until, "most": PAGE_EVENTS}
    while page := await _page(reader, place | window):
        yield page
        place = {"at": page[-1].at, "entity_id": page[-1].entity_id, "seq": page[-1].seq}


async def _page(reader: AsyncEngine, binds: dict[str, Any]) -> list[EventText]:
    async with reader.connect() as connection:
        return [EventText(*row) for row in await connection.execute(PAGE, binds)]
