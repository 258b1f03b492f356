"""Projects: read by most batches, locked only by jobs that change the project itself."""

from collections.abc import Collection
from dataclasses import fields
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, select, text

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
from db.models import Project as Row
from jobs.changes import Change
from jobs.entities import ApprovalPolicy, Key, Project, ProjectStatus, Tally

TABLE = table_of(Row)
COLUMNS = [field.name for field in fields(Project)]
SET = [name for name in COLUMNS if name not in {"tenant_id", "id", "created_at"}]
REF = keyed("tenant_id", "id")
SLUG = keyed("tenant_id", slug=Text())

READ = select(*entity_columns(TABLE, Project)).where(*matches(TABLE, REF, "tenant_id", "id"))
LOCK = READ.order_by(TABLE.c.tenant_id, TABLE.c.id).with_for_update(key_share=True, of=TABLE)
SLUGS = select(TABLE.c.tenant_id, TABLE.c.slug).where(
    *matches(TABLE, SLUG, "tenant_id", "slug"), TABLE.c.deleted_at.is_(None)
)
INSERT = bulk_insert(TABLE, COLUMNS)
UPDATE = guarded_update(TABLE, SET)


SPENT = text("""
    SELECT p.tenant_id, p.id,
        p.task_count + coalesce(sum(d.tasks), 0)::int,
        p.completed_count + coalesce(sum(d.completed), 0)::int,
        p.used_attempts + coalesce(sum(d.attempts), 0)::bigint,
        p.used_tokens + coalesce(sum(d.tokens), 0)::bigint,
        p.used_money_micros + coalesce(sum(d.money_micros), 0)::bigint,
        p.used_wall_seconds + coalesce(sum(d.wall_seconds), 0)::bigint
    FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
    JOIN taskrail.project p ON p.tenant_id = ref.tenant_id AND p.id = ref.id
    LEFT JOIN taskrail.tally d ON d.tenant_id = p.tenant_id AND d.project_id = p.id
    GROUP BY p.tenant_id, p.id
""").bindparams(
    bindparam("tenant_id_array", type_=ARRAY(Uuid())),
    bindparam("id_array", type_=ARRAY(Uuid())),
)


class Projects:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def read(self, wanted: Collection[Key]) -> list[Project]:
        rows = await self._driver.fetch(READ, keys(wanted))
        return [_project(Project(*row)) for row in rows]

    async def lock(self, wanted: Collection[Key]) -> list[Project]:
        rows = await self._driver.fetch(LOCK, keys(wanted))
        return [_project(Project(*row)) for row in rows]

    async def taken_slugs(self, wanted: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
        rows = await self._driver.fetch(SLUGS, keys(wanted, ("tenant_id", "slug")))
        return {(tenant_id, slug) for tenant_id, slug in rows}

    async def spent(self, wanted: Collection[Key]) -> dict[Key, Tally]:
        """The counters of these projects, with what is not folded into them yet."""
        rows = await self._driver.fetch(SPENT, keys(wanted))
        return {total.key: total for total in (Tally(*row) for row in rows)}

    async def insert(self, projects: list[Project]) -> None:
        await self._driver.execute(INSERT, arrays(projects, COLUMNS))

    async def update(self, changes: list[Change]) -> int:
        return await self._driver.execute(UPDATE, changed_arrays(changes, SET))


def _project(project: Project) -> Project:
    project.status = ProjectStatus(project.status)
    project.approval_policy = ApprovalPolicy(project.approval_policy)
    return project
