"""What bulk jobs find: tasks to settle together, or all that a worker has or had."""

from collections.abc import Collection

from sqlalchemy import ARRAY, Uuid, bindparam, text

from db.driver import Driver
from jobs.entities import Key
from jobs.refs import Eligible, Scope

_PROJECT = (bindparam("tenant_id", type_=Uuid()), bindparam("project_id", type_=Uuid()))

OPEN = """
    SELECT t.id, t.parent_id, t.created_at,
        CASE
            WHEN t.status NOT IN ('pending', 'in_progress') THEN t.status
            WHEN EXISTS (
                SELECT FROM taskrail.lease l WHERE l.tenant_id = t.tenant_id AND l.task_id = t.id
            ) THEN 'leased'
            WHEN t.unmet_dependencies > 0 THEN 'dependencies_unmet'
            WHEN {has_open} THEN 'open_subtasks'
            WHEN p.approval_policy = 'all' OR p.approval_policy = 'critical' AND t.priority = 3
                THEN 'approval_required'
        END AS obstacle
    FROM taskrail.task t
    JOIN taskrail.project p ON p.tenant_id = t.tenant_id AND p.id = t.project_id
    WHERE t.tenant_id = :tenant_id AND t.project_id = :project_id AND t.deleted_at IS NULL
      AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
"""
SETTLED = """
    SELECT t.id, t.parent_id, t.created_at,
        CASE WHEN {has_open} THEN 'open_subtasks' END AS obstacle
    FROM taskrail.task t
    WHERE t.tenant_id = :tenant_id AND t.project_id = :project_id AND t.deleted_at IS NULL
      AND t.status IN ('completed', 'failed', 'cancelled')
"""
FIND = """
    WITH RECURSIVE parent_of_open AS (
        SELECT t.parent_id AS id
        FROM taskrail.task t
        WHERE t.tenant_id = :tenant_id AND t.project_id = :project_id AND t.deleted_at IS NULL
          AND t.status IN ('pending', 'in_progress', 'review', 'blocked')
    ),
    above_open AS (
        SELECT id FROM parent_of_open
        UNION
        SELECT t.parent_id FROM above_open a
        JOIN taskrail.task t ON t.tenant_id = :tenant_id AND t.id = a.id
    ),
    found AS MATERIALIZED ({found}),
    top AS MATERIALIZED (
        SELECT id, created_at FROM found
        WHERE obstacle IS NULL
          AND (parent_id IN (SELECT id FROM found WHERE obstacle IS NULL)) IS NOT TRUE
        ORDER BY created_at, id LIMIT :trees
    ),
    within AS (SELECT id AS top_id, created_at, id FROM top {below}),
    tree AS (
        SELECT top_id AS id, created_at, count(*) AS size,
            sum(CASE WHEN count(*) <= :most THEN count(*) END)
                OVER (ORDER BY created_at, top_id) AS together
        FROM within GROUP BY top_id, created_at
    )
    SELECT coalesce(obstacle, 'free') AS what, count(*) AS number, NULL::uuid[] AS tops
    FROM found GROUP BY obstacle
    UNION ALL
    SELECT CASE WHEN size > :most THEN 'tree_too_large' ELSE 'chosen' END AS what,
        sum(size)::bigint, array_agg(id ORDER BY created_at, id)
    FROM tree WHERE size > :most OR together <= :most GROUP BY what
"""
BELOW = """
    UNION ALL
    SELECT w.top_id, w.created_at, t.id
    FROM within w
    JOIN taskrail.task t
        ON t.tenant_id = :tenant_id AND t.parent_id = w.id AND t.deleted_at IS NULL
"""
"""What is deleted takes all below it along; all of that is free as well."""
TREES = 1_000
"""As many are weighed: those behind them wait until these are gone."""

# Without DISTINCT the planner expects millions of rows, too many to hash, and scans them for each.
HAS_OPEN = "t.id IN (SELECT DISTINCT id FROM {above})"
_SETTLED = SETTLED.format(has_open=HAS_OPEN.format(above="above_open"))
_OPEN = OPEN.format(has_open=HAS_OPEN.format(above="parent_of_open"))
_ALL = f"{_SETTLED} UNION ALL {OPEN.format(has_open=HAS_OPEN.format(above='above_open'))}"
FINDS = {
    "complete": text(FIND.format(found=_OPEN, below="")).bindparams(*_PROJECT),
    "archive": text(FIND.format(found=_SETTLED, below=BELOW)).bindparams(*_PROJECT),
    "archive_all": text(FIND.format(found=_ALL, below=BELOW)).bindparams(*_PROJECT),
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
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def eligible(self, project: Key, what: str, most: int) -> Eligible:
        """The tops of the oldest trees with at most `most` tasks together, and the others' number.

        A task that may be settled without others is a tree by itself.
        """
        rows = await self._driver.fetch(
            FINDS[what],
            {"tenant_id": project[0], "project_id": project[1], "most": most, "trees": TREES},
        )
        number = {what: found for what, found, _ in rows}
        tops_of = {what: tops for what, _, tops in rows}
        free, chosen = number.pop("free", 0), number.pop("chosen", 0)
        left = number | {"limit": free - chosen - number.get("tree_too_large", 0)}
        tops = tops_of["chosen"] if chosen else []
        return Eligible(
            tuple((project[0], task_id) for task_id in tops),
            {why: tasks for why, tasks in left.items() if tasks},
        )

    async def tasks_of(self, scopes: Collection[Scope]) -> dict[Scope, set[Key]]:
        """What is open and his, or leased to him or in his stead; deleted tasks included."""
        ordered = sorted(scopes, key=str)
        rows = await self._driver.fetch(
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
