-- The tables, in the order of their references. db/models says the same; a test compares them.

CREATE TABLE taskrail.tenant (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    suspended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_tenant PRIMARY KEY (id),
    CONSTRAINT uq_tenant_slug UNIQUE (slug),
    CONSTRAINT ck_tenant_slug_is_short_and_plain CHECK (slug ~ '^[a-z0-9-]{1,63}$'),
    CONSTRAINT ck_tenant_name_length CHECK (length(name) BETWEEN 1 AND 200)
);

CREATE TABLE taskrail.project (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    status TEXT DEFAULT 'active' NOT NULL,
    approval_policy TEXT DEFAULT 'none' NOT NULL,
    budget JSONB,
    attributes JSONB DEFAULT '{}'::jsonb NOT NULL,
    task_count INTEGER DEFAULT 0 NOT NULL,
    completed_count INTEGER DEFAULT 0 NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_project PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_project_tenant_id FOREIGN KEY(tenant_id) REFERENCES taskrail.tenant (id),
    CONSTRAINT ck_project_slug_is_short_and_plain CHECK (slug ~ '^[a-z0-9-]{1,63}$'),
    CONSTRAINT ck_project_name_length CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT ck_project_status_is_known CHECK (status IN ('active', 'archived')),
    CONSTRAINT ck_project_approval_policy_is_known CHECK (approval_policy IN ('none', 'all', 'critical')),
    CONSTRAINT ck_project_attributes_are_an_object CHECK (jsonb_typeof(attributes) = 'object'),
    CONSTRAINT ck_project_attributes_size CHECK (pg_column_size(attributes) <= 524288),
    CONSTRAINT ck_project_budget_is_an_object CHECK (jsonb_typeof(budget) = 'object'),
    CONSTRAINT ck_project_version_is_positive CHECK (version >= 1)
);

CREATE UNIQUE INDEX uq_project_slug_among_live
    ON taskrail.project (tenant_id, slug)
    WHERE deleted_at IS NULL;

CREATE TABLE taskrail.worker (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    handle TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    email TEXT,
    agent_type TEXT,
    capabilities JSONB DEFAULT '[]'::jsonb NOT NULL,
    max_concurrent_tasks INTEGER,
    last_seen_at TIMESTAMP WITH TIME ZONE,
    deactivated_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_worker PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_worker_tenant_id FOREIGN KEY(tenant_id) REFERENCES taskrail.tenant (id),
    CONSTRAINT uq_worker_tenant_id_handle UNIQUE (tenant_id, handle),
    CONSTRAINT ck_worker_handle_is_short_and_plain CHECK (handle ~ '^@[a-z0-9_-]{1,49}$'),
    CONSTRAINT ck_worker_name_length CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT ck_worker_kind_is_known CHECK (kind IN ('human', 'agent')),
    CONSTRAINT ck_worker_agents_have_a_type CHECK ((kind = 'agent') = (agent_type IS NOT NULL)),
    CONSTRAINT ck_worker_only_humans_have_email CHECK (kind = 'human' OR email IS NULL),
    CONSTRAINT ck_worker_capabilities_are_a_list CHECK (jsonb_typeof(capabilities) = 'array'),
    CONSTRAINT ck_worker_room_is_positive CHECK (max_concurrent_tasks >= 1),
    CONSTRAINT ck_worker_version_is_positive CHECK (version >= 1)
);

CREATE TABLE taskrail.member (
    tenant_id UUID NOT NULL,
    project_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    role TEXT DEFAULT 'member' NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_member PRIMARY KEY (tenant_id, project_id, worker_id),
    CONSTRAINT fk_member_tenant_id_project_id FOREIGN KEY(tenant_id, project_id) REFERENCES taskrail.project (tenant_id, id),
    CONSTRAINT fk_member_tenant_id_worker_id FOREIGN KEY(tenant_id, worker_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT ck_member_role_is_known CHECK (role IN ('owner', 'member'))
);

CREATE INDEX ix_member_by_worker
    ON taskrail.member (tenant_id, worker_id);

CREATE UNIQUE INDEX uq_member_one_owner_a_project
    ON taskrail.member (tenant_id, project_id)
    WHERE role = 'owner';

CREATE TABLE taskrail.task (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    project_id UUID NOT NULL,
    title TEXT NOT NULL,
    created_by_id UUID,
    assignee_id UUID,
    parent_id UUID,
    description TEXT,
    status TEXT DEFAULT 'pending' NOT NULL,
    priority SMALLINT DEFAULT 1 NOT NULL,
    progress INTEGER DEFAULT 0 NOT NULL,
    tags JSONB DEFAULT '[]'::jsonb NOT NULL,
    attributes JSONB DEFAULT '{}'::jsonb NOT NULL,
    required_capabilities JSONB DEFAULT '[]'::jsonb NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    run_after TIMESTAMP WITH TIME ZONE,
    attempt INTEGER DEFAULT 0 NOT NULL,
    max_attempts INTEGER DEFAULT 3 NOT NULL,
    blocked_reason TEXT,
    question JSONB,
    result JSONB,
    failure JSONB,
    budget JSONB,
    usage JSONB,
    recurrence JSONB,
    last_token INTEGER DEFAULT 0 NOT NULL,
    unmet_dependencies INTEGER DEFAULT 0 NOT NULL,
    submitted_by_id UUID,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deletion_id UUID,
    CONSTRAINT pk_task PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_task_tenant_id_project_id FOREIGN KEY(tenant_id, project_id) REFERENCES taskrail.project (tenant_id, id),
    CONSTRAINT fk_task_tenant_id_assignee_id FOREIGN KEY(tenant_id, assignee_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT fk_task_tenant_id_created_by_id FOREIGN KEY(tenant_id, created_by_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT fk_task_tenant_id_submitted_by_id FOREIGN KEY(tenant_id, submitted_by_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT fk_task_tenant_id_parent_id FOREIGN KEY(tenant_id, parent_id) REFERENCES taskrail.task (tenant_id, id),
    CONSTRAINT ck_task_title_length CHECK (length(title) BETWEEN 1 AND 500),
    CONSTRAINT ck_task_status_is_known CHECK (status IN ('pending', 'in_progress', 'review', 'blocked', 'completed', 'failed', 'cancelled')),
    CONSTRAINT ck_task_priority_is_a_rank CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT ck_task_progress_is_percent CHECK (progress BETWEEN 0 AND 100),
    CONSTRAINT ck_task_tags_are_a_list CHECK (jsonb_typeof(tags) = 'array'),
    CONSTRAINT ck_task_tags_number CHECK (jsonb_array_length(tags) <= 50),
    CONSTRAINT ck_task_attributes_are_an_object CHECK (jsonb_typeof(attributes) = 'object'),
    CONSTRAINT ck_task_attributes_size CHECK (pg_column_size(attributes) <= 524288),
    CONSTRAINT ck_task_capabilities_are_a_list CHECK (jsonb_typeof(required_capabilities) = 'array'),
    CONSTRAINT ck_task_result_size CHECK (pg_column_size(result) <= 2097152),
    CONSTRAINT ck_task_attempt_is_bounded CHECK (attempt BETWEEN 0 AND max_attempts),
    CONSTRAINT ck_task_max_attempts_is_positive CHECK (max_attempts >= 1),
    CONSTRAINT ck_task_parent_is_another CHECK (parent_id <> id),
    CONSTRAINT ck_task_token_is_not_negative CHECK (last_token >= 0),
    CONSTRAINT ck_task_unmet_is_not_negative CHECK (unmet_dependencies >= 0),
    CONSTRAINT ck_task_completed_has_its_time CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CONSTRAINT ck_task_completed_is_whole CHECK (status <> 'completed' OR progress = 100),
    CONSTRAINT ck_task_blocked_has_its_reason CHECK ((status = 'blocked') = (blocked_reason IS NOT NULL)),
    CONSTRAINT ck_task_work_has_its_start CHECK (status NOT IN ('in_progress', 'review') OR started_at IS NOT NULL),
    CONSTRAINT ck_task_deletion_has_its_id CHECK ((deleted_at IS NULL) = (deletion_id IS NULL)),
    CONSTRAINT ck_task_version_is_positive CHECK (version >= 1)
) WITH (fillfactor = 85);

CREATE INDEX ix_task_by_assignee
    ON taskrail.task (tenant_id, assignee_id, completed_at);

CREATE INDEX ix_task_by_creator
    ON taskrail.task (tenant_id, created_by_id);

CREATE INDEX ix_task_by_parent
    ON taskrail.task (tenant_id, parent_id);

CREATE INDEX ix_task_by_project
    ON taskrail.task (tenant_id, project_id, status)
    WHERE deleted_at IS NULL;

CREATE INDEX ix_task_by_submitter
    ON taskrail.task (tenant_id, submitted_by_id)
    WHERE submitted_by_id IS NOT NULL;

CREATE INDEX ix_task_ready_to_dispatch
    ON taskrail.task (tenant_id, project_id, priority DESC, due_at ASC NULLS LAST, created_at, id)
    WHERE status = 'pending' AND deleted_at IS NULL AND unmet_dependencies = 0;

CREATE INDEX ix_task_tags
    ON taskrail.task USING gin (tags jsonb_path_ops);

CREATE TABLE taskrail.lease (
    tenant_id UUID NOT NULL,
    task_id UUID NOT NULL,
    holder_id UUID NOT NULL,
    token INTEGER NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    renewed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    previous_assignee_id UUID,
    CONSTRAINT pk_lease PRIMARY KEY (tenant_id, task_id),
    CONSTRAINT fk_lease_tenant_id_task_id FOREIGN KEY(tenant_id, task_id) REFERENCES taskrail.task (tenant_id, id),
    CONSTRAINT fk_lease_tenant_id_holder_id FOREIGN KEY(tenant_id, holder_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT fk_lease_tenant_id_previous_assignee_id FOREIGN KEY(tenant_id, previous_assignee_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT ck_lease_token_is_positive CHECK (token >= 1)
) WITH (fillfactor = 70);

CREATE INDEX ix_lease_by_holder
    ON taskrail.lease (tenant_id, holder_id);

CREATE TABLE taskrail.dependency (
    tenant_id UUID NOT NULL,
    task_id UUID NOT NULL,
    depends_on_id UUID NOT NULL,
    on_failure TEXT DEFAULT 'block' NOT NULL,
    CONSTRAINT pk_dependency PRIMARY KEY (tenant_id, task_id, depends_on_id),
    CONSTRAINT fk_dependency_tenant_id_task_id FOREIGN KEY(tenant_id, task_id) REFERENCES taskrail.task (tenant_id, id),
    CONSTRAINT fk_dependency_tenant_id_depends_on_id FOREIGN KEY(tenant_id, depends_on_id) REFERENCES taskrail.task (tenant_id, id),
    CONSTRAINT ck_dependency_blocker_is_another CHECK (task_id <> depends_on_id),
    CONSTRAINT ck_dependency_on_failure_is_known CHECK (on_failure IN ('block', 'cancel', 'ignore'))
);

CREATE INDEX ix_dependency_by_blocker
    ON taskrail.dependency (tenant_id, depends_on_id);

CREATE TABLE taskrail.comment (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    task_id UUID NOT NULL,
    author_id UUID,
    body TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_comment PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_comment_tenant_id_task_id FOREIGN KEY(tenant_id, task_id) REFERENCES taskrail.task (tenant_id, id),
    CONSTRAINT fk_comment_tenant_id_author_id FOREIGN KEY(tenant_id, author_id) REFERENCES taskrail.worker (tenant_id, id),
    CONSTRAINT ck_comment_body_length CHECK (length(body) BETWEEN 1 AND 10000)
);

CREATE INDEX ix_comment_by_author
    ON taskrail.comment (tenant_id, author_id);

CREATE INDEX ix_comment_by_task
    ON taskrail.comment (tenant_id, task_id, created_at);

CREATE TABLE taskrail.event (
    tenant_id UUID NOT NULL,
    entity_id UUID NOT NULL,
    seq INTEGER NOT NULL,
    entity_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor_id UUID,
    actor_name TEXT,
    title TEXT NOT NULL,
    job_id UUID NOT NULL,
    data JSONB DEFAULT '{}'::jsonb NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    schema_version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (tenant_id, entity_id, seq),
    CONSTRAINT ck_event_entity_type_is_known CHECK (entity_type IN ('project', 'worker', 'task')),
    CONSTRAINT ck_event_seq_is_positive CHECK (seq >= 1),
    CONSTRAINT ck_event_data_is_an_object CHECK (jsonb_typeof(data) = 'object')
);

CREATE INDEX ix_event_by_job
    ON taskrail.event (tenant_id, job_id);

CREATE TABLE taskrail.outbox (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    entity_id UUID NOT NULL,
    seq INTEGER NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (position)
);

CREATE TABLE taskrail.tally (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    project_id UUID NOT NULL,
    tasks INTEGER DEFAULT 0 NOT NULL,
    completed INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_tally PRIMARY KEY (position),
    CONSTRAINT fk_tally_tenant_id_project_id FOREIGN KEY(tenant_id, project_id) REFERENCES taskrail.project (tenant_id, id)
);

CREATE INDEX ix_tally_by_project
    ON taskrail.tally (tenant_id, project_id);

CREATE TABLE taskrail.job (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    envelope JSONB DEFAULT '{}'::jsonb NOT NULL,
    status TEXT DEFAULT 'accepted' NOT NULL,
    outcome JSONB,
    events INTEGER DEFAULT 0 NOT NULL,
    error TEXT,
    traceback TEXT,
    fingerprint TEXT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    next_feed_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_job PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_job_tenant_id FOREIGN KEY(tenant_id) REFERENCES taskrail.tenant (id),
    CONSTRAINT ck_job_status_is_known CHECK (status IN ('accepted', 'applied', 'rejected', 'buried')),
    CONSTRAINT ck_job_kind_is_plain CHECK (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
    CONSTRAINT ck_job_envelope_is_an_object CHECK (jsonb_typeof(envelope) = 'object'),
    CONSTRAINT ck_job_settled_has_its_time CHECK ((status = 'accepted') = (settled_at IS NULL)),
    CONSTRAINT ck_job_settled_has_its_outcome CHECK ((status = 'accepted') = (outcome IS NULL)),
    CONSTRAINT ck_job_accepted_is_fed CHECK ((status = 'accepted') = (next_feed_at IS NOT NULL)),
    CONSTRAINT ck_job_counts_are_not_negative CHECK (events >= 0 AND attempts >= 0)
);

CREATE INDEX ix_job_buried_by_fingerprint
    ON taskrail.job (fingerprint)
    WHERE status = 'buried';

CREATE INDEX ix_job_to_feed
    ON taskrail.job (next_feed_at)
    WHERE status = 'accepted';

CREATE INDEX ix_job_waiting_by_task
    ON taskrail.job (tenant_id, (envelope -> 'payload' ->> 'task_id'))
    WHERE status = 'accepted';

CREATE TABLE taskrail.dead_letter (
    id UUID NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    queue TEXT NOT NULL,
    arq_id TEXT NOT NULL,
    raw BYTEA NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    CONSTRAINT pk_dead_letter PRIMARY KEY (id),
    CONSTRAINT ck_dead_letter_reason_is_known CHECK (reason IN ('unreadable', 'unknown_tenant', 'payload_gone')),
    CONSTRAINT ck_dead_letter_raw_size CHECK (octet_length(raw) <= 1048576)
);

CREATE INDEX ix_dead_letter_by_fingerprint
    ON taskrail.dead_letter (fingerprint);

