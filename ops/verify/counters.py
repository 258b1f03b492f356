"""Derived columns equal what they are derived from."""

from ops.verify.check import check

PROJECT_COUNTERS = check(
    "project_counters",
    """
    WITH pending AS (
        SELECT tenant_id, project_id, sum(tasks) AS tasks, sum(completed) AS completed
        FROM taskrail.tally GROUP BY tenant_id, project_id
    ), recounted AS (
        SELECT tenant_id, project_id, count(*) AS tasks,
            count(*) FILTER (WHERE status = 'completed') AS completed
        FROM taskrail.task WHERE deleted_at IS NULL GROUP BY tenant_id, project_id
    ), compared AS (
        SELECT p.tenant_id, p.id,
            p.task_count + coalesce(d.tasks, 0) AS tasks,
            p.completed_count + coalesce(d.completed, 0) AS completed,
            coalesce(r.tasks, 0) AS real_tasks, coalesce(r.completed, 0) AS real_completed
        FROM taskrail.project p
        LEFT JOIN pending d ON d.tenant_id = p.tenant_id AND d.project_id = p.id
        LEFT JOIN recounted r ON r.tenant_id = p.tenant_id AND r.project_id = p.id
    )
    SELECT tenant_id, 'project' AS entity, id::text AS id,
        format('counted %s tasks, %s completed; there are %s and %s',
            tasks, completed, real_tasks, real_completed) AS detail
    FROM compared
    WHERE (tasks, completed) IS DISTINCT FROM (real_tasks, real_completed)
    """,
)

UNMET_DEPENDENCIES = check(
    "unmet_dependencies",
    """
    WITH recounted AS (
        SELECT d.tenant_id, d.task_id, count(*) AS unmet
        FROM taskrail.dependency d
        JOIN taskrail.task b ON b.tenant_id = d.tenant_id AND b.id = d.depends_on_id
        WHERE b.deleted_at IS NULL AND b.status <> 'completed'
            AND NOT (d.on_failure = 'ignore' AND b.status IN ('failed', 'cancelled'))
        GROUP BY d.tenant_id, d.task_id
    )
    SELECT t.tenant_id, 'task' AS entity, t.id::text AS id,
        format('counted %s unmet dependencies; there are %s',
            t.unmet_dependencies, coalesce(r.unmet, 0)) AS detail
    FROM taskrail.task t
    LEFT JOIN recounted r ON r.tenant_id = t.tenant_id AND r.task_id = t.id
    WHERE t.unmet_dependencies <> coalesce(r.unmet, 0)
    """,
)

CHECKS = (PROJECT_COUNTERS, UNMET_DEPENDENCIES)
