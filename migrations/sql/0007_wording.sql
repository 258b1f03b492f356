-- What is searched in tasks stands apart. A task is updated several times in its life, its words
-- hardly ever, but each update wrote their trigrams anew: more than all other indexes of the row cost.
-- The database keeps the copy itself, like the index that it stands for.

CREATE TABLE taskrail.wording (
    tenant_id UUID NOT NULL,
    task_id UUID NOT NULL,
    project_id UUID NOT NULL,
    words TEXT NOT NULL,
    tags JSONB DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT pk_wording PRIMARY KEY (tenant_id, task_id),
    CONSTRAINT fk_wording_tenant_id_task_id
        FOREIGN KEY (tenant_id, task_id) REFERENCES taskrail.task (tenant_id, id)
);

INSERT INTO taskrail.wording (tenant_id, task_id, project_id, words, tags)
SELECT tenant_id, id, project_id, concat_ws(E'\n', title, description), tags FROM taskrail.task;

DROP INDEX taskrail.ix_task_words;

DROP INDEX taskrail.ix_task_tags;

CREATE INDEX ix_wording_by_project ON taskrail.wording (tenant_id, project_id);

CREATE INDEX ix_wording_tags ON taskrail.wording USING gin (tags jsonb_path_ops);

DO $$
DECLARE
    home text := (SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm');
BEGIN
    EXECUTE format(
        'CREATE INDEX ix_wording_words ON taskrail.wording USING gin (words %s.gin_trgm_ops)', home);
END $$;

ALTER TABLE taskrail.wording ENABLE ROW LEVEL SECURITY;

ALTER TABLE taskrail.wording FORCE ROW LEVEL SECURITY;

CREATE POLICY declared_tenants ON taskrail.wording TO taskrail_worker USING (tenant_id IN
    (SELECT unnest(string_to_array(current_setting('app.tenants', true), ',')::uuid[])));

CREATE POLICY every_tenant ON taskrail.wording
    TO taskrail_owner, taskrail_keeper, taskrail_reader USING (true);

GRANT SELECT ON taskrail.wording TO taskrail_worker, taskrail_reader;

CREATE FUNCTION taskrail.note_wording() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO taskrail.wording (tenant_id, task_id, project_id, words, tags)
    SELECT tenant_id, id, project_id, pg_catalog.concat_ws(E'\n', title, description), tags
    FROM new_tasks;
    RETURN NULL;
END $$;

CREATE FUNCTION taskrail.correct_wording() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    UPDATE taskrail.wording
    SET words = pg_catalog.concat_ws(E'\n', NEW.title, NEW.description), tags = NEW.tags
    WHERE tenant_id = NEW.tenant_id AND task_id = NEW.id;
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION taskrail.note_wording(), taskrail.correct_wording() FROM PUBLIC;

CREATE TRIGGER new_tasks_have_wording
    AFTER INSERT ON taskrail.task
    REFERENCING NEW TABLE AS new_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION taskrail.note_wording();

CREATE TRIGGER changed_tasks_have_wording
    AFTER UPDATE ON taskrail.task
    FOR EACH ROW
    WHEN (OLD.title IS DISTINCT FROM NEW.title OR OLD.description IS DISTINCT FROM NEW.description
          OR OLD.tags IS DISTINCT FROM NEW.tags)
    EXECUTE FUNCTION taskrail.correct_wording();
