"""Events that are not published yet, by position: in order for each entity, not for all of them.

A position is drawn before its transaction commits, so lower ones may appear after higher ones. Of
one entity they cannot: who draws the later one has waited for the row, hence for the commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

DRAWN = "last_value - (NOT is_called)::int"
"""The last position that was drawn, by whomever, committed or not; 0 before the first."""

DRAWN_BEYOND = text(f"SELECT 1 FROM taskrail.outbox_position_seq WHERE {DRAWN} <> :position")  # noqa: S608 - a constant
LAST = text(f"SELECT {DRAWN} FROM taskrail.outbox_position_seq")  # noqa: S608 - a constant
WRITERS = text("""
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
        AND relation = 'taskrail.outbox'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
""")
NEXT = text("""
    SELECT position, tenant_id, entity_id, seq FROM taskrail.outbox
    WHERE position > :above AND tenant_id <> ALL(:without)
    ORDER BY position LIMIT :most
""").bindparams(bindparam("without", type_=ARRAY(Uuid())))
DELETE = text("DELETE FROM taskrail.outbox WHERE position = ANY(:positions)").bindparams(
    bindparam("positions", type_=ARRAY(BigInteger()))
)


@dataclass(frozen=True, slots=True)
class Unpublished:
    """An outbox row: where it stands, and the key of its event."""

    position: int
    tenant_id: UUID
    entity_id: UUID
    seq: int


class Outbox:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def last_drawn(self) -> int:
        last: int = (await self._connection.execute(LAST)).scalar_one()
        return last

    async def writers(self) -> frozenset[str]:
        """The transactions, besides this one, that may have drawn positions and still go on.

        Each INSERT takes this lock before it draws, and keeps it until its transaction ends.
        """
        return frozenset((await self._connection.execute(WRITERS)).scalars())

    async def next(
        self, most: int, *, above: int, without: Collection[UUID] = ()
    ) -> list[Unpublished]:
        """The first rows above a position that can be seen; not those of the tenants `without`."""
        binds = {"above": above, "without": list(without), "most": most}
        return [Unpublished(*row) for row in await self._connection.execute(NEXT, binds)]

    async def delete(self, rows: Sequence[Unpublished]) -> None:
        await self._connection.execute(DELETE, {"positions": [row.position for row in rows]})
