-- Who may see and do what (the roles themselves belong to the cluster: db/roles.py).
-- The worker sees the tenants that its transaction declared; the owner, the keeper and the reader
-- see all tenants, and what they may do is bounded by grants.

GRANT USAGE ON SCHEMA taskrail TO taskrail_worker, taskrail_keeper, taskrail_reader, taskrail_producer;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['project', 'worker', 'member', 'task', 'lease', 'dependency',
                                'comment', 'event', 'outbox', 'tally', 'job', 'tenant']
    LOOP
        EXECUTE format('ALTER TABLE taskrail.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE taskrail.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY declared_tenants ON taskrail.%I TO taskrail_worker USING (%I IN '
            '(SELECT unnest(string_to_array(current_setting(''app.tenants'', true), '','')::uuid[])))',
            name, CASE name WHEN 'tenant' THEN 'id' ELSE 'tenant_id' END);
        EXECUTE format(
            'CREATE POLICY every_tenant ON taskrail.%I '
            'TO taskrail_owner, taskrail_keeper, taskrail_reader USING (true)', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON taskrail.project, taskrail.worker, taskrail.member, taskrail.task,
    taskrail.lease, taskrail.dependency, taskrail.comment, taskrail.job TO taskrail_worker;

GRANT SELECT ON taskrail.tenant TO taskrail_worker;

GRANT DELETE ON taskrail.lease, taskrail.member, taskrail.dependency TO taskrail_worker;

GRANT SELECT, INSERT ON taskrail.event, taskrail.outbox, taskrail.tally TO taskrail_worker;

GRANT INSERT ON taskrail.dead_letter TO taskrail_worker;

GRANT SELECT (id, slug, created_at, suspended_at) ON taskrail.tenant TO taskrail_keeper;

GRANT SELECT (tenant_id, id, kind, status, accepted_at, next_feed_at, settled_at, attempts, fingerprint),
    UPDATE (status, next_feed_at) ON taskrail.job TO taskrail_keeper;

GRANT SELECT (tenant_id, task_id, holder_id, token, expires_at) ON taskrail.lease TO taskrail_keeper;

GRANT SELECT, DELETE ON taskrail.tally, taskrail.outbox TO taskrail_keeper;

GRANT SELECT (tenant_id, id, task_count, completed_count),
    UPDATE (task_count, completed_count) ON taskrail.project TO taskrail_keeper;

GRANT SELECT ON ALL TABLES IN SCHEMA taskrail TO taskrail_reader;

CREATE FUNCTION taskrail.refuse_change_of_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted; append a new one'
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER history_is_append_only
    BEFORE UPDATE OR DELETE ON taskrail.event
    FOR EACH ROW EXECUTE FUNCTION taskrail.refuse_change_of_history();

CREATE TRIGGER history_is_not_truncated
    BEFORE TRUNCATE ON taskrail.event
    FOR EACH STATEMENT EXECUTE FUNCTION taskrail.refuse_change_of_history();
