"""The ledger and the history say the same: what was applied has its events, nothing else has."""

from ops.verify.check import check

JOB_EVENTS = check(
    "job_events",
    """
    WITH made AS (
        SELECT tenant_id, job_id, count(*) AS events FROM taskrail.event GROUP BY tenant_id, job_id
    )
    SELECT tenant_id, 'job' AS entity, coalesce(j.id, m.job_id)::text AS id,
        CASE
            WHEN j.id IS NULL THEN 'events name it, but the tenant''s ledger does not know it'
            ELSE format('%s, with %s events by the ledger and %s in the history',
                j.status, j.events, coalesce(m.events, 0))
        END AS detail
    FROM taskrail.job j
    FULL JOIN (SELECT tenant_id, job_id, job_id AS id, events FROM made) AS m USING (tenant_id, id)
    WHERE j.id IS NULL OR coalesce(m.events, 0) <> j.events
        OR (j.status <> 'applied' AND m.events > 0)
    """,
)

SETTLED = check(
    "settled",
    """
    SELECT tenant_id, 'job' AS entity, id::text AS id,
        CASE
            WHEN status = 'accepted' THEN 'accepted, but it has a time of settlement'
            ELSE status || ', but outcome or time of settlement are missing or say otherwise'
        END AS detail
    FROM taskrail.job
    WHERE CASE
        WHEN status = 'accepted' THEN settled_at IS NOT NULL
        ELSE settled_at IS NULL
            OR outcome ->> 'status' IS DISTINCT FROM status
            OR outcome ->> 'job_id' IS DISTINCT FROM id::text
    END
    """,
)

DISCARDS = check(
    "discards_are_recorded",
    """
    SELECT j.tenant_id, 'job' AS entity, j.id::text AS id,
        'discarded, but nobody is on record for it' AS detail
    FROM taskrail.job j
    WHERE j.discarded_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM taskrail.intervention i
        WHERE i.tenant_id = j.tenant_id AND i.job_id = j.id AND i.verb = 'discard'
            AND i.at = j.discarded_at
    )
    """,
)

CHECKS = (JOB_EVENTS, SETTLED, DISCARDS)
