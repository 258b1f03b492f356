"""Leases: a narrow table of its own, so that renewals touch no index of task."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import delete, func, select

from db.arrays import (
    arrays,
    bulk_insert,
    entity_columns,
    for_each,
    keyed,
    keys,
    matches,
    table_of,
)
from db.driver import Driver
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

LOAD = for_each(
    REF,
    select(*entity_columns(TABLE, Lease))
    .where(*matches(TABLE, REF, "tenant_id", "task_id"))
    .with_for_update(of=TABLE),
)
HELD = for_each(
    HOLDER,
    select(TABLE.c.tenant_id, TABLE.c.holder_id, func.count().label("held"))
    .where(*matches(TABLE, HOLDER, "tenant_id", "holder_id"))
    .group_by(TABLE.c.tenant_id, TABLE.c.holder_id),
)
_INSERT = bulk_insert(TABLE, COLUMNS)
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
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def load(self, tasks: Collection[Key]) -> list[Lease]:
        rows = await self._driver.fetch(LOAD, keys(tasks, ("tenant_id", "task_id")))
        return [Lease(*row) for row in rows]

    async def held(self, workers: Collection[Key]) -> dict[Key, int]:
        """How many leases each of these workers holds; workers without any are left out."""
        rows = await self._driver.fetch(HELD, keys(workers, ("tenant_id", "holder_id")))
        return {(tenant_id, holder_id): held for tenant_id, holder_id, held in rows}

    async def in_projects(self, projects: Collection[Key]) -> dict[Key, int]:
        """How many tasks of each of these projects are leased."""
        binds = keys(projects, ("tenant_id", "project_id"))
        rows = await self._driver.fetch(IN_PROJECTS, binds)
        counted = {(tenant_id, project_id): leased for tenant_id, project_id, leased in rows}
        return {project: counted.get(project, 0) for project in projects}

    async def put(self, leases: list[Lease]) -> None:
        await self._driver.execute(PUT, arrays(leases, COLUMNS))

    async def end(self, tasks: Collection[Key]) -> None:
        await self._driver.execute(END, keys(tasks, ("tenant_id", "task_id")))
