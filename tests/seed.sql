-- One large tenant, made by a rule: the same seed makes the same rows, but for the times,
-- which count back from now. Ten tasks in a row are one tree of three levels in one project.

CREATE OR REPLACE FUNCTION pg_temp.number(what text, n bigint) RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT hashtextextended(what || n, current_setting('seed.number')::bigint) & 9223372036854775807 $$;

CREATE OR REPLACE FUNCTION pg_temp.name(what text, n bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (lpad(to_hex(1790000000000 + n), 12, '0') || '7' || substr(hash, 1, 3)
        || '8' || substr(hash, 4, 15))::uuid
    FROM md5(current_setting('seed.tenant') || what || n || current_setting('seed.number')) AS hash $$;

CREATE OR REPLACE FUNCTION pg_temp.word(what text, n bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT ('{write,review,translate,measure,draw,plan,test,price,sort,publish,invoice,forecast,'
        'budget,contract,logo,survey,garden,harbour,lantern,meadow}'::text[])[1 + pg_temp.number(what, n) % 20] $$;

INSERT INTO taskrail.project (tenant_id, id, slug, name)
SELECT :tenant_id, pg_temp.name('project', n), 'project-' || n, 'Project ' || n
FROM generate_series(0, CAST(:projects AS int) - 1) AS n;

INSERT INTO taskrail.worker (tenant_id, id, handle, name, kind, agent_type, capabilities, last_seen_at)
SELECT :tenant_id, pg_temp.name('worker', n), '@worker-' || n, 'Worker ' || n,
    CASE WHEN n % 10 = 0 THEN 'human' ELSE 'agent' END,
    CASE WHEN n % 10 > 0 THEN 'writer' END,
    CASE WHEN n % 2 = 0 THEN '["write", "draw"]'::jsonb ELSE '["write"]'::jsonb END,
    now() - n * interval '1 minute'
FROM generate_series(0, CAST(:workers AS int) - 1) AS n;

INSERT INTO taskrail.member (tenant_id, project_id, worker_id, role)
SELECT :tenant_id, pg_temp.name('project', p), pg_temp.name('worker', (p * 4 + k) % CAST(:workers AS int)),
    CASE WHEN k = 0 THEN 'owner' ELSE 'member' END
FROM generate_series(0, CAST(:projects AS int) - 1) AS p, generate_series(0, 9) AS k;

CREATE TEMP TABLE plan ON COMMIT DROP AS
SELECT n, n % 10 AS place, n - n % 10 AS root, pg_temp.name('task', n) AS id,
    (pg_temp.number('project of', n / 10) % CAST(:projects AS int))::int AS project,
    pg_temp.number('assignee', n) % 10 AS assignee,
    ('{pending,pending,pending,pending,in_progress,review,blocked,failed,cancelled,completed,'
        'completed,completed,completed,completed,completed,completed,completed,completed,'
        'completed,completed}'::text[])[1 + pg_temp.number('status', n) % 20] AS status,
    now() - (CAST(:tasks AS int) - n) * interval '30 seconds' AS created_at,
    pg_temp.number('deletion', n / 10) % 100 = 0 AS is_deleted
FROM generate_series(0, CAST(:tasks AS int) - 1) AS n;

INSERT INTO taskrail.task (
    tenant_id, id, project_id, parent_id, title, description, created_by_id, assignee_id, status,
    priority, progress, tags, attributes, required_capabilities, due_at, blocked_reason, last_token,
    unmet_dependencies, started_at, completed_at, created_at, updated_at, version, deleted_at, deletion_id)
SELECT :tenant_id, id, pg_temp.name('project', project),
    CASE WHEN place BETWEEN 1 AND 3 THEN pg_temp.name('task', root)
         WHEN place > 3 THEN pg_temp.name('task', root + 1 + place % 3) END,
    initcap(pg_temp.word('verb', n)) || ' the ' || pg_temp.word('thing', n) || ' ' || n,
    'Make it ' || pg_temp.word('first', n) || ' and ' || pg_temp.word('second', n) || ', order ' || n,
    pg_temp.name('worker', (project * 4) % CAST(:workers AS int)),
    CASE WHEN status <> 'pending' OR assignee = 0
         THEN pg_temp.name('worker', (project * 4 + assignee) % CAST(:workers AS int)) END,
    status, pg_temp.number('priority', n) % 4,
    CASE status WHEN 'completed' THEN 100 WHEN 'in_progress' THEN pg_temp.number('progress', n) % 100 ELSE 0 END,
    jsonb_build_array(pg_temp.word('tag', n), 'batch-' || n % 500), jsonb_build_object('order', n),
    CASE WHEN n % 7 = 0 THEN '["draw"]'::jsonb ELSE '[]'::jsonb END,
    CASE WHEN n % 5 < 2 THEN created_at + (pg_temp.number('due', n) % 30) * interval '1 day' END,
    CASE WHEN status = 'blocked' THEN 'waits for an answer' END,
    CASE WHEN status = 'in_progress' THEN 1 ELSE 0 END,
    CASE WHEN place IN (5, 7) AND lag(status) OVER (ORDER BY n) <> 'completed' THEN 1 ELSE 0 END,
    CASE WHEN status <> 'pending' THEN created_at + interval '1 minute' END,
    CASE WHEN status = 'completed' THEN created_at + interval '2 minutes' END,
    created_at, created_at + interval '2 minutes',
    CASE status WHEN 'pending' THEN 1 WHEN 'completed' THEN 3 ELSE 2 END,
    CASE WHEN is_deleted THEN now() - pg_temp.number('deletion', root / 10) % 60 * interval '1 day' END,
    CASE WHEN is_deleted THEN pg_temp.name('deletion', root) END
FROM plan;

INSERT INTO taskrail.dependency (tenant_id, task_id, depends_on_id)
SELECT :tenant_id, id, pg_temp.name('task', n - 1) FROM plan WHERE place IN (5, 7);

INSERT INTO taskrail.lease (tenant_id, task_id, holder_id, token, expires_at)
SELECT t.tenant_id, t.id, t.assignee_id, 1, now() + interval '1 hour'
FROM taskrail.task t
WHERE t.tenant_id = :tenant_id AND t.status = 'in_progress' AND t.deleted_at IS NULL;

INSERT INTO taskrail.event (
    tenant_id, entity_id, seq, entity_type, kind, actor_id, actor_name, title, job_id, data, at)
SELECT t.tenant_id, t.id, seq, 'task',
    CASE seq WHEN 1 THEN 'task.created' WHEN 3 THEN 'task.completed' ELSE 'task.started' END,
    t.assignee_id, 'Worker', t.title, pg_temp.name('job', plan.n * 3 + seq),
    jsonb_build_object('status', t.status), t.created_at + (seq - 1) * interval '1 minute'
FROM taskrail.task t
JOIN plan ON plan.id = t.id
CROSS JOIN LATERAL generate_series(1, t.version) AS seq
WHERE t.tenant_id = :tenant_id;

UPDATE taskrail.project p SET task_count = counted.tasks, completed_count = counted.completed
FROM (
    SELECT project_id, count(*) AS tasks, count(*) FILTER (WHERE status = 'completed') AS completed
    FROM taskrail.task WHERE tenant_id = :tenant_id AND deleted_at IS NULL GROUP BY project_id
) AS counted
WHERE p.tenant_id = :tenant_id AND p.id = counted.project_id;
