-- Usage is counted like tasks: appended as deltas, folded into the project by a loop.

ALTER TABLE taskrail.task ADD COLUMN purged_at TIMESTAMP WITH TIME ZONE;

ALTER TABLE taskrail.task
    ADD CONSTRAINT ck_task_purged_is_deleted
        CHECK (purged_at IS NULL OR deleted_at IS NOT NULL) NOT VALID;

ALTER TABLE taskrail.project
    ADD COLUMN used_attempts BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN used_tokens BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN used_money_micros BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN used_wall_seconds BIGINT DEFAULT 0 NOT NULL;

ALTER TABLE taskrail.tally
    ADD COLUMN attempts BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN tokens BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN money_micros BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN wall_seconds BIGINT DEFAULT 0 NOT NULL;

GRANT SELECT (used_attempts, used_tokens, used_money_micros, used_wall_seconds),
    UPDATE (used_attempts, used_tokens, used_money_micros, used_wall_seconds)
    ON taskrail.project TO taskrail_keeper;
