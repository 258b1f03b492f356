-- What the calendar finds by time, over all tenants: due tasks, due occurrences, old deletions.

CREATE INDEX ix_task_to_remind ON taskrail.task (due_at, tenant_id, id)
    WHERE deleted_at IS NULL AND assignee_id IS NOT NULL
        AND status IN ('pending', 'in_progress', 'review', 'blocked');

CREATE INDEX ix_task_to_recur ON taskrail.task (due_at, tenant_id, id)
    WHERE deleted_at IS NULL AND status <> 'cancelled'
        AND recurrence ->> 'trigger' IN ('on_due', 'both') AND NOT recurrence ? 'successor_id';

CREATE INDEX ix_task_to_purge ON taskrail.task (deleted_at, tenant_id, id)
    WHERE deleted_at IS NOT NULL AND purged_at IS NULL;

-- Keys, states and times; of what tasks say the keeper sees nothing.
GRANT SELECT (tenant_id, id, project_id, status, assignee_id, due_at, recurrence, version, deleted_at, purged_at)
    ON taskrail.task TO taskrail_keeper;

GRANT SELECT (status, version, deleted_at) ON taskrail.project TO taskrail_keeper;
