"""Who belongs to which project."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import arrays, bulk_insert, entity_columns, keyed, keys, table_of, unnested
from db.models import Member as Row
from jobs.entities import Key, Member, Role

TABLE = table_of(Row)
COLUMNS = [field.name for field in fields(Member)]
PROJECT = keyed("tenant_id", "project_id")
WORKER = unnested(
    [("worker_tenant_id", TABLE.c.tenant_id.type), ("worker_id", TABLE.c.worker_id.type)], "who"
)

LOAD = (
    select(*entity_columns(TABLE, Member))
    .select_from(PROJECT)
    .join(WORKER, WORKER.c.worker_tenant_id == PROJECT.c.tenant_id)
    .join(
        TABLE,
        (TABLE.c.tenant_id == PROJECT.c.tenant_id)
        & (TABLE.c.project_id == PROJECT.c.project_id)
        & (TABLE.c.worker_id == WORKER.c.worker_id),
    )
    .order_by(TABLE.c.tenant_id, TABLE.c.project_id, TABLE.c.worker_id)
    .with_for_update(read=True, key_share=True, of=TABLE)
)
INSERT = bulk_insert(TABLE, COLUMNS)


class Members:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def load(self, projects: Collection[Key], workers: Collection[Key]) -> list[Member]:
        """The memberships of these workers in these projects, kept until the commit."""
        which = keys(projects, ("tenant_id", "project_id"))
        who = keys(workers, ("worker_tenant_id", "worker_id"))
        rows = await self._connection.execute(LOAD, which | who)
        return [_member(Member(*row)) for row in rows]

    async def insert(self, members: list[Member]) -> None:
        await self._connection.execute(INSERT, arrays(members, COLUMNS))


def _member(member: Member) -> Member:
    member.role = Role(member.role)
    return member
