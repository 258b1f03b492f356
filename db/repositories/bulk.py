"""What bulk jobs find: tasks to settle together, or all that a worker has or had."""

from collections.abc import Collection

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.entities import Key
from jobs.refs import Eligible, Scope

_PROJECT = (bindparam("tenant_id", type_=Uuid()), bindparam("project_id", type_=Uuid()))

OPEN = """
    SELECT t.tenant_id, t.id, t.created_at,
        CASE
            WHEN t.status NOT IN ('pending', 'in_progress') THEN t.status
            WHEN EXISTS (
                SELECT FROM taskrail.lease l WHERE l.tenant_id = t.tenant_id AND l.task_id = t.id
            ) THEN 'leased'
            WHEN t.unmet_dependencies > 0 THEN 'dependencies_unmet'
            WHEN EXISTS (
                SELECT FROM taskrail.task c
                WHERE c.tenant_id = t.tenant_id AND c.parent_id = t.id AND c.deleted_at IS NULL
                  AND c.status IN ('pending', 'in_progress', 'review', 'blocked')
            ) THEN 'open_subtasks'
            WHEN p.approval_policy = 'all' OR p.approval_policy = 'critical' AND t.priority = 3
                THEN 'approval_required'
        END AS obstacle
    FROM taskrail.task t
    JOIN taskrail.project p ON p.tenant_id = t.tenant_id AND p.id = t.project_id
    WHERE t.tenant_id = :tenant_id AND t.project_id = :project_id AND t.deleted_at IS NULL
      AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
"""
SETTLED = """
    SELECT t.tenant_id, t.id, t.created_at,
        CASE WHEN t.id IN (SELECT id FROM above_open) THEN 'open_subtasks' END AS obstacle
    FROM taskrail.task t
    WHERE t.tenant_id = :tenant_id AND t.project_id = :project_id AND t.deleted_at IS NULL
      AND t.status IN ('completed', 'failed', 'cancelled')
"""
ABOVE_OPEN = """
    above_open AS (
        SELECT t.parent_id AS id
        FROM taskrail.task t
        WHERE t.tenant_id = :tenant_id AND t.project_id = :project_id AND t.deleted_at IS NULL
          AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
        UNION
        SELECT t.parent_id FROM above_open a
        JOIN taskrail.task t ON t.tenant_id = :tenant_id AND t.id = a.id
    )
"""
FIND = """
    WITH RECURSIVE {above}, found AS ({found})
    SELECT obstacle, count(*) AS number, (array_agg(id ORDER BY created_at, id))[1:least(
        CASE WHEN obstacle IS NULL THEN :most ELSE 0 END, count(*))] AS ids
    FROM found GROUP BY obstacle
"""
FINDS = {
    "complete": text(FIND.format(above=ABOVE_OPEN, found=OPEN)),
    "archive": text(FIND.format(above=ABOVE_OPEN, found=SETTLED)),
    "archive_all": text(FIND.format(above=ABOVE_OPEN, found=f"{SETTLED} UNION ALL {OPEN}")),
}
TASKS_OF = text("""
    SELECT ref.tenant_id, ref.project_id, ref.worker_id, t.id
    FROM unnest(:tenants, :projects, :workers) AS ref (tenant_id, project_id, worker_id)
    JOIN taskrail.task t ON t.tenant_id = ref.tenant_id AND t.assignee_id = ref.worker_id
    WHERE (ref.project_id IS NULL OR t.project_id = ref.project_id)
      AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
    UNION
    SELECT ref.tenant_id, ref.project_id, ref.worker_id, t.id
    FROM unnest(:tenants, :projects, :workers) AS ref (tenant_id, project_id, worker_id)
    JOIN taskrail.lease l ON l.tenant_id = ref.tenant_id
      AND (l.holder_id = ref.worker_id OR l.previous_assignee_id = ref.worker_id)
    JOIN taskrail.task t ON t.tenant_id = l.tenant_id AND t.id = l.task_id
    WHERE ref.project_id IS NULL OR t.project_id = ref.project_id
""").bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("tenants", "projects", "workers"))
)


class Bulk:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def eligible(self, project: Key, what: str, most: int) -> Eligible:
        """The oldest tasks, at most `most`, that such a job may settle; and the others' number."""
        rows = await self._connection.execute(
            FINDS[what].bindparams(*_PROJECT),
            {"tenant_id": project[0], "project_id": project[1], "most": most},
        )
        found: list[Key] = []
        left: dict[str, int] = {}
        for obstacle, number, ids in rows:
            if obstacle is None:
                found = [(project[0], task_id) for task_id in ids]
                left["limit"] = number - len(ids)
            else:
                left[obstacle] = number
        return Eligible(tuple(found), {why: number for why, number in left.items() if number})

    async def tasks_of(self, scopes: Collection[Scope]) -> dict[Scope, set[Key]]:
        """What is open and his, or leased to him or in his stead; deleted tasks included."""
        ordered = sorted(scopes, key=str)
        rows = await self._connection.execute(
            TASKS_OF,
            {
                "tenants": [tenant_id for tenant_id, _, _ in ordered],
                "projects": [project_id for _, project_id, _ in ordered],
                "workers": [worker_id for _, _, worker_id in ordered],
            },
        )
        found: dict[Scope, set[Key]] = {scope: set() for scope in scopes}
        for tenant_id, project_id, worker_id, task_id in rows:
            found[tenant_id, project_id, worker_id].add((tenant_id, task_id))
        return found
