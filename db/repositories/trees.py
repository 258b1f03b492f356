"""Trees of tasks: what stands above and below, and the lock that holds a tree still."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import keys
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

DEPTHS = text("""
    WITH RECURSIVE above AS (
        SELECT t.tenant_id, t.id AS of, t.parent_id, 1 AS depth
        FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
        JOIN taskrail.task t ON t.tenant_id = ref.tenant_id AND t.id = ref.id
        UNION ALL
        SELECT a.tenant_id, a.of, t.parent_id, a.depth + 1
        FROM above a
        JOIN taskrail.task t ON t.tenant_id = a.tenant_id AND t.id = a.parent_id
    )
    SELECT tenant_id, of, max(depth) AS depth FROM above GROUP BY tenant_id, of
""").bindparams(*_PAIRS)

OPEN_CHILDREN = text("""
    SELECT t.tenant_id, t.parent_id, t.id
    FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
    JOIN taskrail.task t ON t.tenant_id = ref.tenant_id AND t.parent_id = ref.id
    WHERE t.deleted_at IS NULL AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
""").bindparams(*_PAIRS)

DESCENDANTS = text("""
    WITH RECURSIVE below AS (
        SELECT t.tenant_id, t.parent_id, t.id
        FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
        JOIN taskrail.task t ON t.tenant_id = ref.tenant_id AND t.parent_id = ref.id
        WHERE t.deleted_at IS NULL
        UNION
        SELECT t.tenant_id, t.parent_id, t.id
        FROM below b
        JOIN taskrail.task t ON t.tenant_id = b.tenant_id AND t.parent_id = b.id
        WHERE t.deleted_at IS NULL
    )
    SELECT tenant_id, parent_id, id FROM below
""").bindparams(*_PAIRS)

Children = dict[Key, set[Key]]


class Trees:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self, projects: dict[Key, bool]) -> None:
        """Holds the projects' trees until the commit: exclusively where the value says so."""
        ordered = sorted(projects.items())
        exclusive = {"exclusive_array": [value for _, value in ordered]}
        await self._connection.execute(LOCK, keys(projects) | exclusive)

    async def depths(self, tasks: Collection[Key]) -> dict[Key, int]:
        """The level of each task; a root's is 1."""
        rows = await self._connection.execute(DEPTHS, keys(tasks))
        return {(row.tenant_id, row.of): row.depth for row in rows}

    async def open_children(self, parents: Collection[Key]) -> Children:
        """The ids of open direct subtasks by parent."""
        rows = await self._connection.execute(OPEN_CHILDREN, keys(parents))
        return _by_parent([(row.tenant_id, row.parent_id, row.id) for row in rows])

    async def descendants(self, roots: Collection[Key]) -> Children:
        """The ids of all live tasks below, by parent. Read under the exclusive tree lock."""
        rows = await self._connection.execute(DESCENDANTS, keys(roots))
        return _by_parent([(row.tenant_id, row.parent_id, row.id) for row in rows])


def _by_parent(rows: list[tuple[UUID, UUID, UUID]]) -> Children:
    children: Children = {}
    for tenant_id, parent_id, task_id in rows:
        children.setdefault((tenant_id, parent_id), set()).add((tenant_id, task_id))
    return children
