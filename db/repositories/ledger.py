"""The ledger: which jobs are known, and how they ended. Our inbox, and the promise "once"."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from db.arrays import arrays, entity_columns, keyed, keys, matches, rank, table_of, typed, unnested
from db.driver import Driver
from db.models import Job as Row
from jobs.entities import Key

TABLE = table_of(Row)


@dataclass(slots=True)
class Entry:
    """One job as the ledger has it.

    `envelope` is JSON text when written; when read a dict, empty if only PostgreSQL can read it.
    """

    tenant_id: UUID
    id: UUID
    kind: str
    envelope: Any
    status: str
    accepted_at: datetime
    outcome: dict[str, Any] | None = None
    events: int = 0
    error: str | None = None
    traceback: str | None = None
    fingerprint: str | None = None
    attempts: int = 0
    next_feed_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def key(self) -> Key:
        return self.tenant_id, self.id


COLUMNS = [field.name for field in fields(Entry)]
SET = [
    name for name in COLUMNS if name not in {"tenant_id", "id", "kind", "envelope", "accepted_at"}
]
REF = keyed("tenant_id", "id")
REOPEN = (
    update(TABLE)
    .values(
        status="accepted",
        outcome=None,
        settled_at=None,
        next_feed_at=func.clock_timestamp(),
        accepted_at=func.clock_timestamp(),
        discarded_at=None,
        attempts=0,
    )
    .where(*matches(TABLE, REF, "tenant_id", "id"), TABLE.c.status == "buried")
)
GIVEN = unnested(
    [*typed(TABLE, [name for name in COLUMNS if name != "envelope"]), ("envelope", Text())]
)

_STORED = [
    cast(column, Text) if column.name == "envelope" else column
    for column in entity_columns(TABLE, Entry)
]
SETTLED = select(TABLE.c.tenant_id, TABLE.c.id).where(
    *matches(TABLE, REF, "tenant_id", "id"), TABLE.c.status != "accepted"
)
READ = select(*_STORED).where(*matches(TABLE, REF, "tenant_id", "id"))
_VALUES = [cast(GIVEN.c[name], JSONB) if name == "envelope" else GIVEN.c[name] for name in COLUMNS]
_INSERT = insert(TABLE).from_select(COLUMNS, select(*_VALUES), include_defaults=False)
WRITE = _INSERT.on_conflict_do_update(
    index_elements=["tenant_id", "id"],
    # Who writes this has lived through the job.
    set_={name: _INSERT.excluded[name] for name in SET} | {"deliveries": 0},
    where=TABLE.c.status == "accepted",
)


class Ledger:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def read(self, wanted: Collection[Key]) -> dict[Key, Entry]:
        rows = await self._driver.fetch(READ, keys(wanted))
        return {entry.key: entry for entry in (_entry(Entry(*row)) for row in rows)}

    async def settled(self, wanted: Collection[Key]) -> set[Key]:
        """Which of these jobs have ended: what they did is seen by all later statements."""
        rows = await self._driver.fetch(SETTLED, keys(wanted))
        return {(tenant_id, job_id) for tenant_id, job_id in rows}

    async def write(self, entries: list[Entry]) -> int:
        """Inserts or settles; answers how many: the others were settled by somebody else.

        The unique index is the promise: of two transactions with one id the second waits here.
        """
        ordered = sorted(entries, key=lambda entry: rank(entry.key))
        return await self._driver.execute(WRITE, arrays(ordered, COLUMNS))

    async def reopen(self, buried: Collection[Key]) -> None:
        """Buried jobs are accepted again, for a rehearsal: nobody records who did it."""
        await self._driver.execute(REOPEN, keys(buried))


def _entry(entry: Entry) -> Entry:
    try:
        entry.envelope = from_json(entry.envelope)
    except ValueError:
        # JSONB holds numbers of any length and nests as deep as one likes; Python's readers do not.
        entry.envelope = {}
    return entry
