"""Trees of tasks: what stands above and below, and the lock that holds a tree still."""

from collections.abc import Collection

from sqlalchemy import ARRAY, Boolean, Uuid, bindparam, text

from db.arrays import keys
from db.driver import Driver
from jobs.entities import Key

_PAIRS = (
    bindparam("tenant_id_array", type_=ARRAY(Uuid())),
    bindparam("id_array", type_=ARRAY(Uuid())),
)

LOCK = text("""
    SELECT CASE WHEN exclusive THEN pg_advisory_xact_lock(key)
                ELSE pg_advisory_xact_lock_shared(key) END
    FROM (
        SELECT hashtextextended('tree ' || tenant_id || ' ' || id, 0) AS key, exclusive
        FROM unnest(:tenant_id_array, :id_array, :exclusive_array) AS ref(tenant_id, id, exclusive)
        ORDER BY tenant_id, id
    ) AS trees
""").bindparams(*_PAIRS, bindparam("exclusive_array", type_=ARRAY(Boolean())))

LINES = text("""
    WITH RECURSIVE above AS (
        SELECT t.tenant_id, t.id, t.parent_id, t.deleted_at
        FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
        JOIN taskrail.task t ON t.tenant_id = ref.tenant_id AND t.id = ref.id
        UNION
        SELECT t.tenant_id, t.id, t.parent_id, t.deleted_at
        FROM above a
        JOIN taskrail.task t ON t.tenant_id = a.tenant_id AND t.id = a.parent_id
    )
    SELECT tenant_id, id, parent_id, deleted_at IS NOT NULL AS is_deleted FROM above
""").bindparams(*_PAIRS)

HEIGHTS = text("""
    WITH RECURSIVE below AS (
        SELECT ref.tenant_id, ref.id AS root, ref.id, 0 AS distance
        FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
        UNION ALL
        SELECT t.tenant_id, b.root, t.id, b.distance + 1
        FROM below b
        JOIN taskrail.task t ON t.tenant_id = b.tenant_id AND t.parent_id = b.id
    )
    SELECT tenant_id, root, max(distance) AS height FROM below GROUP BY tenant_id, root
""").bindparams(*_PAIRS)

OPEN_CHILDREN = text("""
    SELECT ref.tenant_id, ref.id AS parent_id, open.id
    FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
    CROSS JOIN LATERAL (
        SELECT t.id FROM taskrail.task t
        WHERE t.tenant_id = ref.tenant_id AND t.parent_id = ref.id AND t.deleted_at IS NULL
          AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
        OFFSET 0 -- as in db.arrays.for_each
    ) AS open
""").bindparams(*_PAIRS)

TEMPLATES = text("""
    WITH RECURSIVE below AS (
        SELECT t.tenant_id, t.id AS root, t.id
        FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
        JOIN taskrail.task t ON t.tenant_id = ref.tenant_id AND t.id = ref.id
        UNION ALL
        SELECT t.tenant_id, b.root, t.id
        FROM below b
        JOIN taskrail.task t ON t.tenant_id = b.tenant_id AND t.parent_id = b.id
        WHERE t.deleted_at IS NULL
    )
    SELECT tenant_id, root, id FROM below WHERE id <> root
""").bindparams(*_PAIRS)

Children = dict[Key, set[Key]]


class Trees:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def lock(self, projects: dict[Key, bool]) -> None:
        """Holds the projects' trees until the commit: exclusively where the value says so."""
        ordered = sorted(projects.items())
        exclusive = {"exclusive_array": [value for _, value in ordered]}
        await self._driver.fetch(LOCK, keys(projects) | exclusive)

    async def lines(self, tasks: Collection[Key]) -> tuple[dict[Key, Key | None], set[Key]]:
        """The parent of each task and of all above it; and which of all these are deleted."""
        rows = await self._driver.fetch(LINES, keys(tasks))
        parents = {(tenant, task): parent and (tenant, parent) for tenant, task, parent, _ in rows}
        return parents, {(tenant, task) for tenant, task, _, is_deleted in rows if is_deleted}

    async def heights(self, tasks: Collection[Key]) -> dict[Key, int]:
        """How many levels are below each task, deleted ones included."""
        rows = await self._driver.fetch(HEIGHTS, keys(tasks))
        return {(tenant_id, root): height for tenant_id, root, height in rows}

    async def open_children(self, parents: Collection[Key]) -> Children:
        """The ids of open direct subtasks of each of these."""
        rows = await self._driver.fetch(OPEN_CHILDREN, keys(parents))
        children: Children = {parent: set() for parent in parents}
        for tenant_id, parent_id, task_id in rows:
            children[tenant_id, parent_id].add((tenant_id, task_id))
        return children

    async def templates(self, tasks: Collection[Key]) -> Children:
        """The ids of all live descendants of each task."""
        rows = await self._driver.fetch(TEMPLATES, keys(tasks))
        below: Children = {}
        for tenant_id, root, task_id in rows:
            below.setdefault((tenant_id, root), set()).add((tenant_id, task_id))
        return below
