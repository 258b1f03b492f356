-- taskrail.record: jobs are accepted in the producer's own transaction. Takes one envelope or an
-- array of them; returns for each what the ledger holds: (job_id, status, outcome, conflict).
-- `conflict`: the id stands for another job already; nothing was changed.

CREATE FUNCTION taskrail.require_recordable(envelope jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    uuid_pattern constant text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    job_id_pattern constant text := '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';
    complaint text;
BEGIN
    complaint := CASE
        WHEN jsonb_typeof(envelope) <> 'object' THEN 'an envelope is a JSON object'
        WHEN octet_length(envelope::text) > 1048576 THEN 'an envelope has at most 1 MiB'
        WHEN coalesce(lower(envelope ->> 'id') !~ job_id_pattern, true)
            THEN 'id must be a UUID of version 7'
        WHEN coalesce(lower(envelope ->> 'tenant_id') !~ uuid_pattern, true)
            THEN 'tenant_id must be a UUID'
        WHEN coalesce(jsonb_typeof(envelope -> 'kind') <> 'string', true)
            OR envelope ->> 'kind' !~ '^[a-z][a-z0-9_.]{0,63}$'
            THEN 'kind must be a dotted word, like task.complete'
        WHEN coalesce(jsonb_typeof(envelope -> 'payload') <> 'object', true)
            THEN 'payload must be an object'
        -- An index holds it, of whatever kind the job is.
        WHEN length(envelope -> 'payload' ->> 'task_id') > 200
            THEN 'payload.task_id has at most 200 characters'
        WHEN envelope ->> 'kind' = 'task.renew'
            THEN 'task.renew is ephemeral: enqueue it, it is never recorded'
        WHEN NOT EXISTS (
            SELECT FROM taskrail.tenant t
            WHERE t.id = (envelope ->> 'tenant_id')::uuid AND t.suspended_at IS NULL
        ) THEN 'tenant_id names no active tenant'
    END;
    IF complaint IS NOT NULL THEN
        RAISE EXCEPTION 'job %: %', envelope ->> 'id', complaint
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

CREATE FUNCTION taskrail.record(envelopes jsonb)
RETURNS TABLE (job_id uuid, status text, outcome jsonb, conflict boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    given jsonb := CASE jsonb_typeof(envelopes) WHEN 'array' THEN envelopes
                                                ELSE jsonb_build_array(envelopes) END;
BEGIN
    PERFORM taskrail.require_recordable(e.envelope) FROM jsonb_array_elements(given) AS e(envelope);
    INSERT INTO taskrail.job (tenant_id, id, kind, envelope, status, accepted_at, next_feed_at)
        SELECT DISTINCT ON (1, 2) (e.envelope ->> 'tenant_id')::uuid, (e.envelope ->> 'id')::uuid,
            e.envelope ->> 'kind', e.envelope, 'accepted', clock_timestamp(), clock_timestamp()
        FROM jsonb_array_elements(given) WITH ORDINALITY AS e(envelope, place)
        ORDER BY 1, 2, e.place
        ON CONFLICT (tenant_id, id) DO NOTHING;
    RETURN QUERY
        SELECT j.id, j.status, j.outcome,
            (j.kind, coalesce(j.envelope -> 'schema_version', '1'), j.envelope -> 'payload',
             coalesce(j.envelope -> 'actor_id', 'null'))
            IS DISTINCT FROM
            (e.envelope ->> 'kind', coalesce(e.envelope -> 'schema_version', '1'),
             e.envelope -> 'payload', coalesce(e.envelope -> 'actor_id', 'null'))
        FROM jsonb_array_elements(given) WITH ORDINALITY AS e(envelope, place)
        JOIN taskrail.job j ON j.tenant_id = (e.envelope ->> 'tenant_id')::uuid
            AND j.id = (e.envelope ->> 'id')::uuid
        ORDER BY e.place;
END $$;

REVOKE ALL ON FUNCTION taskrail.record(jsonb), taskrail.require_recordable(jsonb),
    taskrail.refuse_change_of_history() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION taskrail.record(jsonb) TO taskrail_producer;

-- Who rehearses a replay is told what `record` would say.
GRANT EXECUTE ON FUNCTION taskrail.require_recordable(jsonb) TO taskrail_worker;
