"""Workers: actors are read; who claims, is assigned or changes is locked."""

from collections.abc import Collection
from dataclasses import fields
from uuid import UUID

from sqlalchemy import Text, select

from db.arrays import (
    arrays,
    bulk_insert,
    changed_arrays,
    entity_columns,
    guarded_update,
    keyed,
    keys,
    matches,
    table_of,
)
from db.driver import Driver
from db.models import Worker as Row
from jobs.changes import Change
from jobs.entities import Key, Worker, WorkerKind

TABLE = table_of(Row)
COLUMNS = [field.name for field in fields(Worker)]
SET = [name for name in COLUMNS if name not in {"tenant_id", "id", "created_at"}]
REF = keyed("tenant_id", "id")
HANDLE = keyed("tenant_id", handle=Text())

READ = select(*entity_columns(TABLE, Worker)).where(*matches(TABLE, REF, "tenant_id", "id"))
LOCK = READ.order_by(TABLE.c.tenant_id, TABLE.c.id).with_for_update(key_share=True, of=TABLE)
HANDLES = select(TABLE.c.tenant_id, TABLE.c.handle).where(
    *matches(TABLE, HANDLE, "tenant_id", "handle")
)
INSERT = bulk_insert(TABLE, COLUMNS)
UPDATE = guarded_update(TABLE, SET)


class Workers:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def read(self, wanted: Collection[Key]) -> list[Worker]:
        rows = await self._driver.fetch(READ, keys(wanted))
        return [_worker(Worker(*row)) for row in rows]

    async def lock(self, wanted: Collection[Key]) -> list[Worker]:
        rows = await self._driver.fetch(LOCK, keys(wanted))
        return [_worker(Worker(*row)) for row in rows]

    async def taken_handles(self, wanted: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
        rows = await self._driver.fetch(HANDLES, keys(wanted, ("tenant_id", "handle")))
        return {(tenant_id, handle) for tenant_id, handle in rows}

    async def insert(self, workers: list[Worker]) -> None:
        await self._driver.execute(INSERT, arrays(workers, COLUMNS))

    async def update(self, changes: list[Change]) -> int:
        return await self._driver.execute(UPDATE, changed_arrays(changes, SET))


def _worker(worker: Worker) -> Worker:
    worker.kind = WorkerKind(worker.kind)
    return worker
