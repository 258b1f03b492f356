"""Derived columns equal what they are derived from."""

from ops.verify.check import check

PROJECT_COUNTERS = check(
    "project_counters",
    """
    WITH pending AS (
        SELECT tenant_id, project_id, sum(tasks) AS tasks, sum(completed) AS completed,
            sum(attempts) AS attempts, sum(tokens) AS tokens,
            sum(money_micros) AS money_micros, sum(wall_seconds) AS wall_seconds
        FROM taskrail.tally GROUP BY tenant_id, project_id
    ), counted AS (
        SELECT p.tenant_id, p.id, counter.what, counter.counted
        FROM taskrail.project p
        LEFT JOIN pending d ON d.tenant_id = p.tenant_id AND d.project_id = p.id
        CROSS JOIN LATERAL (VALUES
            ('tasks', p.task_count + coalesce(d.tasks, 0)),
            ('completed', p.completed_count + coalesce(d.completed, 0)),
            ('attempts', p.used_attempts + coalesce(d.attempts, 0)),
            ('tokens', p.used_tokens + coalesce(d.tokens, 0)),
            ('money_micros', p.used_money_micros + coalesce(d.money_micros, 0)),
            ('wall_seconds', p.used_wall_seconds + coalesce(d.wall_seconds, 0))
        ) AS counter(what, counted)
    ), real AS (
        SELECT tenant_id, project_id AS id, counter.what, sum(counter.number) AS number
        FROM taskrail.task
        CROSS JOIN LATERAL (VALUES ('tasks', 1), ('completed', (status = 'completed')::int))
            AS counter(what, number)
        WHERE deleted_at IS NULL
        GROUP BY tenant_id, project_id, counter.what
        UNION ALL
        SELECT tenant_id, project_id, amount.key, sum(amount.value::numeric)
        FROM taskrail.task CROSS JOIN LATERAL jsonb_each_text(usage) AS amount
        WHERE jsonb_typeof(usage) = 'object'
        GROUP BY tenant_id, project_id, amount.key
    )
    SELECT tenant_id, 'project' AS entity, id::text AS id,
        format('counted %s %s; its tasks make it %s',
            coalesce(counted, 0), what, coalesce(number, 0)) AS detail
    FROM counted FULL JOIN real USING (tenant_id, id, what)
    WHERE coalesce(counted, 0) <> coalesce(number, 0)
    """,
)
"""Work that was deleted has been paid for: its usage counts, the task itself does not."""

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
