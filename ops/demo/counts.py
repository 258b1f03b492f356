"""What the ledger says about the jobs of one run."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

COUNT = text("""
    SELECT kind, status, count(*) AS jobs
    FROM taskrail.job
    WHERE tenant_id = :tenant_id AND id = ANY(:ids)
    GROUP BY kind, status
""").bindparams(bindparam("tenant_id", type_=Uuid()), bindparam("ids", type_=ARRAY(Uuid())))

ByStatus = dict[str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """Jobs by kind and status; `accepted` are all that the ledger knows."""

    by_kind: dict[str, ByStatus] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        return sum(sum(by_status.values()) for by_status in self.by_kind.values())

    def number(self, status: str) -> int:
        return sum(by_status.get(status, 0) for by_status in self.by_kind.values())


async def count(reader: AsyncEngine, tenant_id: UUID, ids: Collection[UUID]) -> Counts:
    """The jobs of the tenant among `ids`."""
    by_kind: dict[str, ByStatus] = {}
    async with reader.connect() as connection:
        for row in await connection.execute(COUNT, {"tenant_id": tenant_id, "ids": list(ids)}):
            by_kind.setdefault(row.kind, {})[row.status] = row.jobs
    return Counts(dict(sorted(by_kind.items())))
