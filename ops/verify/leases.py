"""Who holds what: the table of leases by state, and the owners of projects."""

from ops.verify.check import check

LEASE_STATE = check(
    "lease_state",
    """
    SELECT t.tenant_id, 'task' AS entity, t.id::text AS id,
        CASE
            WHEN l.task_id IS NULL THEN 'an agent works on it without a lease'
            WHEN t.status NOT IN ('in_progress', 'blocked') THEN t.status || ', but leased'
            WHEN l.token <> t.last_token THEN 'the lease''s token is not the task''s last one'
            ELSE 'the holder of the lease is not the assignee'
        END AS detail
    FROM taskrail.task t
    LEFT JOIN taskrail.lease l ON l.tenant_id = t.tenant_id AND l.task_id = t.id
    LEFT JOIN taskrail.worker w ON w.tenant_id = t.tenant_id AND w.id = t.assignee_id
    WHERE CASE
        WHEN l.task_id IS NULL THEN t.status = 'in_progress' AND w.kind = 'agent'
        ELSE t.status NOT IN ('in_progress', 'blocked')
            OR l.token <> t.last_token OR l.holder_id IS DISTINCT FROM t.assignee_id
    END
    """,
)

ONE_OWNER = check(
    "one_owner",
    """
    SELECT p.tenant_id, 'project' AS entity, p.id::text AS id,
        format('%s owners', count(m.worker_id)) AS detail
    FROM taskrail.project p
    LEFT JOIN taskrail.member m
        ON m.tenant_id = p.tenant_id AND m.project_id = p.id AND m.role = 'owner'
    WHERE p.deleted_at IS NULL
    GROUP BY p.tenant_id, p.id
    HAVING count(m.worker_id) <> 1
    """,
)

CHECKS = (LEASE_STATE, ONE_OWNER)
