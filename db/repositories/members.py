"""Who belongs to which project."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import delete, select

from db.arrays import (
    arrays,
    bulk_insert,
    entity_columns,
    keyed,
    keys,
    matches,
    table_of,
    unnested,
)
from db.driver import Driver
from db.models import Member as Row
from jobs.entities import Edge, Key, Member, Role

TABLE = table_of(Row)
COLUMNS = [field.name for field in fields(Member)]
EDGE = ("tenant_id", "project_id", "worker_id")
REF = keyed(*EDGE)
PROJECT = keyed("tenant_id", "project_id")
WORKER_REF = keyed("tenant_id", "worker_id")
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
LOCK = (
    select(*entity_columns(TABLE, Member))
    .where(*matches(TABLE, REF, *EDGE))
    .order_by(TABLE.c.tenant_id, TABLE.c.project_id, TABLE.c.worker_id)
    .with_for_update(of=TABLE)
)
READ = select(*entity_columns(TABLE, Member)).where(*matches(TABLE, REF, *EDGE))
PROJECTS_OF = select(TABLE.c.tenant_id, TABLE.c.project_id).where(
    *matches(TABLE, WORKER_REF, "tenant_id", "worker_id")
)
_INSERT = bulk_insert(TABLE, COLUMNS)
PUT = _INSERT.on_conflict_do_update(
    index_elements=EDGE,
    set_={"role": _INSERT.excluded.role, "joined_at": _INSERT.excluded.joined_at},
)
END = delete(TABLE).where(*matches(TABLE, REF, *EDGE))


class Members:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def load(self, projects: Collection[Key], workers: Collection[Key]) -> list[Member]:
        """The memberships of these workers in these projects, kept until the commit."""
        which = keys(projects, ("tenant_id", "project_id"))
        who = keys(workers, ("worker_tenant_id", "worker_id"))
        rows = await self._driver.fetch(LOAD, which | who)
        return [_member(Member(*row)) for row in rows]

    async def lock(self, members: Collection[Edge]) -> list[Member]:
        """For removal: nobody is given anything in their name until the commit."""
        rows = await self._driver.fetch(LOCK, keys(members, EDGE))
        return [_member(Member(*row)) for row in rows]

    async def read(self, members: Collection[Edge]) -> list[Member]:
        """Unlocked: who removes one of them locks the tasks this is read for."""
        rows = await self._driver.fetch(READ, keys(members, EDGE))
        return [_member(Member(*row)) for row in rows]

    async def projects_of(self, workers: Collection[Key]) -> set[Key]:
        """Wherever these workers are members."""
        rows = await self._driver.fetch(PROJECTS_OF, keys(workers, ("tenant_id", "worker_id")))
        return {(tenant_id, project_id) for tenant_id, project_id in rows}

    async def put(self, members: list[Member]) -> None:
        await self._driver.execute(PUT, arrays(members, COLUMNS))

    async def end(self, members: Collection[Edge]) -> None:
        await self._driver.execute(END, keys(members, EDGE))


def _member(member: Member) -> Member:
    member.role = Role(member.role)
    return member
