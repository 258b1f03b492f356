-- What reads need: indexes for every order and filter of the lists, and views that other programs
-- may rely on. The views show what is live, of live projects; they read as whoever asks.

CREATE INDEX ix_task_by_creation
    ON taskrail.task (tenant_id, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX ix_task_by_due
    ON taskrail.task (tenant_id, coalesce(due_at, 'infinity'::timestamptz), id)
    WHERE deleted_at IS NULL;

CREATE INDEX ix_task_by_priority
    ON taskrail.task (tenant_id, priority, id)
    WHERE deleted_at IS NULL;

CREATE INDEX ix_task_by_title
    ON taskrail.task (tenant_id, title, id)
    WHERE deleted_at IS NULL;

CREATE INDEX ix_task_by_deletion
    ON taskrail.task (tenant_id, deleted_at)
    WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_event_by_time
    ON taskrail.event (tenant_id, at);

-- The extension may stand in any schema; whoever prepares the database makes it (db/roles.py).
DO $$
DECLARE
    home text := (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm');
BEGIN
    IF home IS NULL THEN
        RAISE EXCEPTION 'the extension pg_trgm is missing: `taskrail migrate roles` makes it'
            USING ERRCODE = 'undefined_object';
    END IF;
    EXECUTE format(
        'CREATE INDEX ix_task_words ON taskrail.task USING gin '
        '(title %1$s.gin_trgm_ops, description %1$s.gin_trgm_ops) WHERE deleted_at IS NULL', home);
END $$;

CREATE VIEW taskrail.task_v1 WITH (security_invoker = true) AS
    SELECT t.tenant_id, t.id, t.project_id, p.slug AS project_slug, t.title, t.description,
        t.status, (ARRAY['low', 'medium', 'high', 'critical'])[t.priority + 1] AS priority,
        t.priority AS priority_rank, t.progress, t.tags, t.attributes, t.required_capabilities,
        t.due_at, t.run_after, t.created_by_id, t.assignee_id, t.parent_id, t.attempt,
        t.max_attempts, t.blocked_reason, t.question, t.result, t.failure, t.budget, t.usage,
        t.recurrence, t.unmet_dependencies, t.unmet_dependencies > 0 AS waiting,
        coalesce(t.due_at < now(), false)
            AND t.status IN ('pending', 'in_progress', 'review', 'blocked') AS overdue,
        t.started_at, t.completed_at, t.version, t.created_at, t.updated_at
    FROM taskrail.task t
    JOIN taskrail.project p ON p.tenant_id = t.tenant_id AND p.id = t.project_id
    WHERE t.deleted_at IS NULL AND p.deleted_at IS NULL;

CREATE VIEW taskrail.project_v1 WITH (security_invoker = true) AS
    SELECT p.tenant_id, p.id, p.slug, p.name, p.description, p.status, p.approval_policy, p.budget,
        p.attributes, p.task_count + delta.tasks AS task_count,
        p.completed_count + delta.completed AS completed_count, p.version, p.created_at,
        p.updated_at
    FROM taskrail.project p
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(d.tasks), 0)::int AS tasks, coalesce(sum(d.completed), 0)::int AS completed
        FROM taskrail.tally d
        WHERE d.tenant_id = p.tenant_id AND d.project_id = p.id
    ) AS delta
    WHERE p.deleted_at IS NULL;

CREATE VIEW taskrail.worker_v1 WITH (security_invoker = true) AS
    SELECT w.tenant_id, w.id, w.handle, w.name, w.kind, w.email, w.agent_type, w.capabilities,
        w.max_concurrent_tasks,
        (SELECT count(*)::int FROM taskrail.lease l
         WHERE l.tenant_id = w.tenant_id AND l.holder_id = w.id) AS held_tasks,
        w.last_seen_at, w.deactivated_at, w.version, w.created_at, w.updated_at
    FROM taskrail.worker w;

CREATE VIEW taskrail.event_v1 WITH (security_invoker = true) AS
    SELECT e.tenant_id, e.entity_type, e.entity_id, e.seq, e.kind, e.actor_id, e.actor_name, e.title,
        e.job_id, e.data, e.at, e.schema_version
    FROM taskrail.event e;

CREATE VIEW taskrail.dependency_v1 WITH (security_invoker = true) AS
    SELECT d.tenant_id, d.task_id, d.depends_on_id, d.on_failure
    FROM taskrail.dependency d
    JOIN taskrail.task_v1 t ON t.tenant_id = d.tenant_id AND t.id = d.task_id
    JOIN taskrail.task_v1 b ON b.tenant_id = d.tenant_id AND b.id = d.depends_on_id;

CREATE VIEW taskrail.comment_v1 WITH (security_invoker = true) AS
    SELECT c.tenant_id, c.id, c.task_id, c.author_id, c.body, c.created_at
    FROM taskrail.comment c
    JOIN taskrail.task_v1 t ON t.tenant_id = c.tenant_id AND t.id = c.task_id
    WHERE c.deleted_at IS NULL;

GRANT SELECT ON taskrail.task_v1, taskrail.project_v1, taskrail.worker_v1, taskrail.event_v1,
    taskrail.dependency_v1, taskrail.comment_v1 TO taskrail_reader, taskrail_worker;
