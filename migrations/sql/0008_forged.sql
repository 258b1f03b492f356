ALTER TABLE taskrail.dead_letter DROP CONSTRAINT ck_dead_letter_reason_is_known;

ALTER TABLE taskrail.dead_letter ADD CONSTRAINT ck_dead_letter_reason_is_known
    CHECK (reason IN ('unreadable', 'unknown_tenant', 'payload_gone', 'forged')) NOT VALID;
