-- What operators do with dead jobs. The keeper acts through functions only: whoever replays or
-- discards leaves, in the same transaction, a row that nobody can change.

ALTER TABLE taskrail.job ADD COLUMN discarded_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE taskrail.job
    ADD CONSTRAINT ck_job_discarded_was_buried
        CHECK (discarded_at IS NULL OR status = 'buried') NOT VALID;

CREATE INDEX ix_job_buried_by_time ON taskrail.job (settled_at, id, tenant_id)
    WHERE status = 'buried';

CREATE INDEX ix_job_parked ON taskrail.job (accepted_at, id, tenant_id)
    WHERE status = 'accepted' AND fingerprint IS NOT NULL;

ALTER TABLE taskrail.dead_letter
    ADD COLUMN error TEXT DEFAULT '' NOT NULL,
    ADD COLUMN traceback TEXT,
    ADD COLUMN attempts INTEGER DEFAULT 1 NOT NULL,
    ADD COLUMN replayed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN discarded_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE taskrail.dead_letter
    ADD CONSTRAINT ck_dead_letter_ends_once
        CHECK (replayed_at IS NULL OR discarded_at IS NULL) NOT VALID;

CREATE INDEX ix_dead_letter_by_time ON taskrail.dead_letter (received_at, id)
    WHERE replayed_at IS NULL;

CREATE TABLE taskrail.intervention (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    operator TEXT NOT NULL,
    verb TEXT NOT NULL,
    reason TEXT,
    tenant_id UUID,
    job_id UUID,
    letter_id UUID,
    before JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_intervention PRIMARY KEY (position),
    CONSTRAINT ck_intervention_verb_is_known CHECK (verb IN ('replay', 'discard')),
    CONSTRAINT ck_intervention_operator_is_named CHECK (char_length(operator) BETWEEN 1 AND 200),
    CONSTRAINT ck_intervention_discard_has_a_reason CHECK (verb <> 'discard' OR reason IS NOT NULL),
    CONSTRAINT ck_intervention_reason_length CHECK (char_length(reason) BETWEEN 1 AND 500),
    CONSTRAINT ck_intervention_is_about_something
        CHECK (letter_id IS NOT NULL OR (tenant_id IS NOT NULL AND job_id IS NOT NULL)),
    CONSTRAINT ck_intervention_before_is_an_object CHECK (jsonb_typeof(before) = 'object')
);

CREATE INDEX ix_intervention_by_job ON taskrail.intervention (tenant_id, job_id);

CREATE INDEX ix_intervention_by_letter ON taskrail.intervention (letter_id)
    WHERE letter_id IS NOT NULL;

ALTER TABLE taskrail.intervention ENABLE ROW LEVEL SECURITY;

ALTER TABLE taskrail.intervention FORCE ROW LEVEL SECURITY;

CREATE POLICY declared_tenants ON taskrail.intervention TO taskrail_worker USING (tenant_id IN
    (SELECT unnest(string_to_array(current_setting('app.tenants', true), ',')::uuid[])));

CREATE POLICY every_tenant ON taskrail.intervention
    TO taskrail_owner, taskrail_keeper, taskrail_reader USING (true);

GRANT SELECT ON taskrail.intervention TO taskrail_reader;

CREATE FUNCTION taskrail.refuse_change_of_interventions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'interventions are never changed or deleted'
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER interventions_are_append_only
    BEFORE UPDATE OR DELETE ON taskrail.intervention
    FOR EACH ROW EXECUTE FUNCTION taskrail.refuse_change_of_interventions();

CREATE TRIGGER interventions_are_not_truncated
    BEFORE TRUNCATE ON taskrail.intervention
    FOR EACH STATEMENT EXECUTE FUNCTION taskrail.refuse_change_of_interventions();

-- taskrail.replay: buried jobs are accepted again, in the order in which they were accepted first,
-- and fed from now on; jobs of the kinds `of_system` only later, for the loop that makes them comes
-- first. Answers those that were buried until now: of two who replay one job, one is told.
CREATE FUNCTION taskrail.replay(
    tenants uuid[], jobs uuid[], of_system text[], by_whom text, why text, even_discarded boolean
) RETURNS TABLE (tenant_id uuid, job_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH dead AS (
        SELECT j.*
        FROM taskrail.job j
        JOIN unnest(tenants, jobs) AS asked (tenant_id, id)
            ON j.tenant_id = asked.tenant_id AND j.id = asked.id
        WHERE j.status = 'buried' AND (even_discarded OR j.discarded_at IS NULL)
        ORDER BY j.tenant_id, j.id
        FOR UPDATE OF j
    ), placed AS (
        SELECT d.tenant_id, d.id, clock.now
            + row_number() OVER (ORDER BY d.accepted_at, d.id) * interval '1 microsecond' AS now
        FROM dead d CROSS JOIN (SELECT clock_timestamp() AS now) AS clock
    ), accepted AS (
        UPDATE taskrail.job j
        SET status = 'accepted', outcome = NULL, settled_at = NULL, discarded_at = NULL,
            error = NULL, traceback = NULL, fingerprint = NULL, attempts = 0, accepted_at = p.now,
            next_feed_at = CASE WHEN j.kind = ANY (of_system) THEN p.now + interval '1 minute'
                                ELSE p.now END
        FROM placed p
        WHERE j.tenant_id = p.tenant_id AND j.id = p.id
        RETURNING j.tenant_id, j.id
    )
    INSERT INTO taskrail.intervention (operator, verb, reason, tenant_id, job_id, before)
    SELECT by_whom, 'replay', why, d.tenant_id, d.id, to_jsonb(d) - 'envelope'
    FROM dead d JOIN accepted a ON a.tenant_id = d.tenant_id AND a.id = d.id
    ORDER BY d.accepted_at, d.id
    RETURNING intervention.tenant_id, intervention.job_id
$$;

-- taskrail.discard: buried jobs keep their rows and are listed no longer. Answers those that were
-- not discarded until now.
CREATE FUNCTION taskrail.discard(tenants uuid[], jobs uuid[], by_whom text, why text)
RETURNS TABLE (tenant_id uuid, job_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH dead AS (
        SELECT j.*, clock_timestamp() AS now
        FROM taskrail.job j
        JOIN unnest(tenants, jobs) AS asked (tenant_id, id)
            ON j.tenant_id = asked.tenant_id AND j.id = asked.id
        WHERE j.status = 'buried' AND j.discarded_at IS NULL
        ORDER BY j.tenant_id, j.id
        FOR UPDATE OF j
    ), discarded AS (
        UPDATE taskrail.job j SET discarded_at = d.now
        FROM dead d
        WHERE j.tenant_id = d.tenant_id AND j.id = d.id
        RETURNING j.tenant_id, j.id
    )
    INSERT INTO taskrail.intervention (at, operator, verb, reason, tenant_id, job_id, before)
    SELECT d.now, by_whom, 'discard', why, d.tenant_id, d.id, to_jsonb(d) - 'envelope' - 'now'
    FROM dead d JOIN discarded USING (tenant_id, id)
    RETURNING intervention.tenant_id, intervention.job_id
$$;

-- taskrail.replay_letter: the job in these bytes is recorded as if its producer had recorded it,
-- under its own id. Answers as taskrail.record does, or nothing if there is no such dead letter any
-- more, or not all of its bytes. Where the id stands for another job the letter stays dead.
CREATE FUNCTION taskrail.replay_letter(
    letter uuid, by_whom text, why text, even_discarded boolean
) RETURNS TABLE (tenant_id uuid, job_id uuid, status text, conflict boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    dead taskrail.dead_letter;
    sent jsonb;
    known record;
BEGIN
    SELECT * INTO dead FROM taskrail.dead_letter l
    WHERE l.id = letter AND l.reason IN ('unreadable', 'unknown_tenant')
        AND l.size = octet_length(l.raw) AND l.replayed_at IS NULL
        AND (even_discarded OR l.discarded_at IS NULL)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    sent := convert_from(dead.raw, 'UTF8')::jsonb;
    IF jsonb_typeof(sent -> 'a') = 'array' THEN
        sent := sent #> '{a,0}';
    END IF;
    -- A signed message carries its envelope as text.
    IF sent ? 'sig' THEN
        sent := (sent ->> 'envelope')::jsonb;
    END IF;
    SELECT * INTO known FROM taskrail.record(jsonb_build_array(sent));
    IF NOT known.conflict THEN
        UPDATE taskrail.dead_letter l
        SET replayed_at = clock_timestamp(), discarded_at = NULL WHERE l.id = letter;
        INSERT INTO taskrail.intervention
            (operator, verb, reason, tenant_id, job_id, letter_id, before)
        VALUES (by_whom, 'replay', why, (sent ->> 'tenant_id')::uuid, known.job_id, letter,
            to_jsonb(dead) - 'raw');
    END IF;
    RETURN QUERY SELECT (sent ->> 'tenant_id')::uuid, known.job_id, known.status, known.conflict;
END $$;

CREATE FUNCTION taskrail.discard_letters(letters uuid[], by_whom text, why text)
RETURNS TABLE (letter_id uuid)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH dead AS (
        SELECT l.*, clock_timestamp() AS now
        FROM taskrail.dead_letter l
        WHERE l.id = ANY (letters) AND l.replayed_at IS NULL AND l.discarded_at IS NULL
        ORDER BY l.id
        FOR UPDATE OF l
    ), discarded AS (
        UPDATE taskrail.dead_letter l SET discarded_at = d.now
        FROM dead d WHERE l.id = d.id
        RETURNING l.id
    )
    INSERT INTO taskrail.intervention (at, operator, verb, reason, letter_id, before)
    SELECT d.now, by_whom, 'discard', why, d.id, to_jsonb(d) - 'raw' - 'now'
    FROM dead d JOIN discarded USING (id)
    RETURNING intervention.letter_id
$$;

REVOKE ALL ON FUNCTION taskrail.refuse_change_of_interventions(),
    taskrail.replay(uuid[], uuid[], text[], text, text, boolean),
    taskrail.discard(uuid[], uuid[], text, text),
    taskrail.replay_letter(uuid, text, text, boolean),
    taskrail.discard_letters(uuid[], text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION taskrail.replay(uuid[], uuid[], text[], text, text, boolean),
    taskrail.discard(uuid[], uuid[], text, text),
    taskrail.replay_letter(uuid, text, text, boolean),
    taskrail.discard_letters(uuid[], text, text) TO taskrail_keeper;
