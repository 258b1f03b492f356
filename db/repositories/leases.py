"""Leases: a narrow table of its own, so that renewals touch no index of task."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import arrays, entity_columns, keyed, keys, matches, table_of, typed, unnested
from db.models import Lease as Row
from db.models import Task
from jobs.entities import Key, Lease

TABLE = table_of(Row)
TASK = table_of(Task)
COLUMNS = [field.name for field in fields(Lease)]
SET = [name for name in COLUMNS if name not in {"tenant_id", "task_id"}]
REF = keyed("tenant_id", "task_id")
PROJECT = keyed("tenant_id", "project_id")
HOLDER = keyed("tenant_id", "holder_id")
GIVEN = unnested(typed(TABLE, COLUMNS))

LOAD = (
    select(*entity_columns(TABLE, Lease))
    .where(*matches(TABLE, REF, "tenant_id", "task_id"))
    .order_by(TABLE.c.tenant_id, TABLE.c.task_id)
    .with_for_update(of=TABLE)
)
HELD = (
    select(TABLE.c.tenant_id, TABLE.c.holder_id, func.count().label("held"))
    .where(*matches(TABLE, HOLDER, "tenant_id", "holder_id"))
    .group_by(TABLE.c.tenant_id, TABLE.c.holder_id)
)
_INSERT = insert(TABLE).from_select(COLUMNS, select(*(GIVEN.c[name] for name in COLUMNS)))
PUT = _INSERT.on_conflict_do_update(
    index_elements=["tenant_id", "task_id"],
    set_={name: _INSERT.excluded[name] for name in SET},
)
END = delete(TABLE).where(*matches(TABLE, REF, "tenant_id", "task_id"))


IN_PROJECTS = (
    select(TASK.c.tenant_id, TASK.c.project_id, func.count().label("leased"))
    .select_from(TABLE)
    .join(TASK, (TASK.c.tenant_id == TABLE.c.tenant_id) & (TASK.c.id == TABLE.c.task_id))
    .where(*matches(TASK, PROJECT, "tenant_id", "project_id"))
    .group_by(TASK.c.tenant_id, TASK.c.project_id)
)


class Leases:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def load(self, tasks: Collection[Key]) -> list[Lease]:
        rows = await self._connection.execute(LOAD, keys(tasks, ("tenant_id", "task_id")))
        return [Lease(*row) for row in rows]

    async def held(self, workers: Collection[Key]) -> dict[Key, int]:
        """How many leases each of these workers holds; workers without any are left out."""
        rows = await self._connection.execute(HELD, keys(workers, ("tenant_id", "holder_id")))
        return {(row.tenant_id, row.holder_id): row.held for row in rows}

    async def in_projects(self, projects: Collection[Key]) -> dict[Key, int]:
        """How many tasks of each of these projects are leased."""
        binds = keys(projects, ("tenant_id", "project_id"))
        rows = await self._connection.execute(IN_PROJECTS, binds)
        counted = {(row.tenant_id, row.project_id): row.leased for row in rows}
        return {project: counted.get(project, 0) for project in projects}

    async def put(self, leases: list[Lease]) -> None:
        await self._connection.execute(PUT, arrays(leases, COLUMNS))

    async def end(self, tasks: Collection[Key]) -> None:
        await self._connection.execute(END, keys(tasks, ("tenant_id", "task_id")))
