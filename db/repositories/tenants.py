"""Tenants, and which of them this transaction may see."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import entity_columns, table_of
from db.models import Tenant as Row
from jobs.entities import Tenant

TABLE = table_of(Row)
LOAD = select(*entity_columns(TABLE, Tenant)).where(
    TABLE.c.id == text("ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
)
DECLARE = text("SELECT set_config('app.tenants', :tenants, true)")
CLOCK = text("SELECT clock_timestamp()")


class Tenants:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def declare(self, tenant_ids: Collection[UUID]) -> None:
        """Rows of these tenants, and of no others, can be seen until the transaction ends."""
        tenants = ",".join(str(tenant_id) for tenant_id in sorted(tenant_ids))
        await self._connection.execute(DECLARE, {"tenants": tenants})

    async def load(self, tenant_ids: Collection[UUID]) -> list[Tenant]:
        rows = await self._connection.execute(LOAD, {"ids": sorted(tenant_ids)})
        return [Tenant(*row) for row in rows]

    async def clock(self) -> datetime:
        """The database's time, which decides."""
        now: datetime = (await self._connection.execute(CLOCK)).scalar_one()
        return now
