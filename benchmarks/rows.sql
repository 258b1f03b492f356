WITH made AS (
    INSERT INTO taskrail.task (
        tenant_id, id, project_id, title, description, status, tags, attributes, assignee_id, progress,
        last_token, started_at, completed_at, created_at, updated_at, version)
    SELECT :tenant_id, id, :project_id, 'Summarise document ' || n,
        'Read the document and write down what it says in five sentences.', 'completed',
        '["summary", "documents"]'::jsonb, jsonb_build_object('document', n), :worker_id, 100, 1,
        at, at, at, at, 4
    FROM (
        SELECT n, uuidv7(make_interval(secs => n - :last)) AS id, now() + make_interval(secs => n - :last) AS at
        FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
    ) AS numbered
    RETURNING tenant_id, id, project_id, title, description, tags
)
INSERT INTO taskrail.wording (tenant_id, task_id, project_id, words, tags)
SELECT tenant_id, id, project_id, concat_ws(E'\n', title, description), tags FROM made;

INSERT INTO taskrail.job (tenant_id, id, kind, envelope, status, outcome, events, attempts, accepted_at, settled_at)
SELECT :tenant_id, id, 'task.progress',
    jsonb_build_object('id', id, 'tenant_id', CAST(:tenant_id AS uuid), 'kind', 'task.progress',
        'actor_id', CAST(:worker_id AS uuid), 'schema_version', 2, 'issued_at', at,
        'payload', jsonb_build_object('task_id', id, 'percent', 50, 'token', 1)),
    'applied',
    jsonb_build_object('job_id', id, 'status', 'applied',
        'result', jsonb_build_object('task_id', id, 'status', 'in_progress', 'version', 3)),
    1, 1, at, at
FROM (
    SELECT uuidv7(make_interval(secs => n - :last)) AS id, now() + make_interval(secs => n - :last) AS at
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
) AS numbered;
