-- Deliveries that are under way, or were when their process died: counted by the keeper, who takes
-- jobs from the ledger while Redis is away.

ALTER TABLE taskrail.job ADD COLUMN deliveries INTEGER DEFAULT 0 NOT NULL;

ALTER TABLE taskrail.job
    ADD CONSTRAINT ck_job_deliveries_are_not_negative CHECK (deliveries >= 0) NOT VALID;

GRANT SELECT (deliveries), UPDATE (deliveries) ON taskrail.job TO taskrail_keeper;
