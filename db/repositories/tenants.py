"""Tenants, and which of them this transaction may see."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import entity_columns, table_of
from db.driver import Driver
from db.models import Tenant as Row
from jobs.entities import Tenant

TABLE = table_of(Row)
_ASKED = text("ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_MOMENT = select(literal(1).label("moment")).subquery()
LOAD = select(func.clock_timestamp(), *entity_columns(TABLE, Tenant)).select_from(
    _MOMENT.outerjoin(TABLE, TABLE.c.id == _ASKED)
)
DECLARE = text("SELECT set_config('app.tenants', :tenants, true)")
CLOCK = text("SELECT clock_timestamp()")


async def declare(connection: AsyncConnection, tenant_ids: Collection[UUID]) -> None:
    """Rows of these tenants, and of no others, can be seen until the transaction ends."""
    tenants = ",".join(str(tenant_id) for tenant_id in sorted(tenant_ids))
    await connection.execute(DECLARE, {"tenants": tenants})


async def clock(connection: AsyncConnection) -> datetime:
    """The database's time, which decides."""
    now: datetime = (await connection.execute(CLOCK)).scalar_one()
    return now


class Tenants:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def load(self, tenant_ids: Collection[UUID]) -> tuple[datetime, dict[UUID, Tenant]]:
        """The time and, in the same statement, those of these tenants that exist."""
        rows = await self._driver.fetch(LOAD, {"ids": sorted(tenant_ids)})
        found = [Tenant(*columns) for _, *columns in rows]
        return rows[0][0], {tenant.id: tenant for tenant in found if tenant.id is not None}
