"""The history itself: without gaps, on legal paths, and nothing without it."""

from jobs.rules.transitions import TRANSITIONS
from ops.verify.check import Check, check

OWN = ("project", "worker", "task")
"""Entities with a history of their own."""
LEGAL = [(str(before), str(after)) for before, afters in TRANSITIONS.items() for after in afters]

SEQ_GAPS = check(
    "seq_gaps",
    """
    SELECT tenant_id, entity_type AS entity, entity_id::text AS id,
        format('%s events are numbered %s to %s', count(*), min(seq), max(seq)) AS detail
    FROM taskrail.event
    GROUP BY tenant_id, entity_type, entity_id
    HAVING min(seq) <> 1 OR max(seq) <> count(*)
    """,
)

LEGAL_PATHS = check(
    "legal_paths",
    """
    WITH path AS (
        SELECT tenant_id, entity_id, seq, data ->> 'status' AS status,
            lag(data ->> 'status') OVER (PARTITION BY tenant_id, entity_id ORDER BY seq) AS before
        FROM taskrail.event
        WHERE entity_type = 'task' AND jsonb_exists(data, 'status')
    )
    SELECT tenant_id, 'task' AS entity, entity_id::text AS id,
        format('event %s leads from %s to %s', seq, coalesce(before, 'nothing'), status) AS detail
    FROM path
    WHERE CASE
        WHEN before IS NULL THEN status IS DISTINCT FROM 'pending'
        WHEN before = status THEN false
        ELSE (before, status) NOT IN (
            SELECT * FROM unnest(CAST(:befores AS text[]), CAST(:afters AS text[]))
        )
    END
    """,
    befores=[before for before, _ in LEGAL],
    afters=[after for _, after in LEGAL],
)


def _of_each(name: str, sql: str) -> Check:
    """The same statement for each entity with a history."""
    return check(name, " UNION ALL ".join(sql.replace("{entity}", entity) for entity in OWN))


VERSIONS = _of_each(
    "version_is_last_seq",
    """
    SELECT r.tenant_id, '{entity}' AS entity, r.id::text AS id,
        format('version %s, but the last event is number %s', r.version, e.last) AS detail
    FROM taskrail.{entity} r
    JOIN (
        SELECT tenant_id, entity_id, max(seq) AS last
        FROM taskrail.event WHERE entity_type = '{entity}' GROUP BY tenant_id, entity_id
    ) AS e ON e.tenant_id = r.tenant_id AND e.entity_id = r.id
    WHERE r.version <> e.last
    """,
)

TIMES = _of_each(
    "times_are_the_events",
    """
    SELECT r.tenant_id, '{entity}' AS entity, r.id::text AS id,
        'created_at and updated_at are not the times of the first and the last event' AS detail
    FROM taskrail.{entity} r
    JOIN taskrail.event first ON first.tenant_id = r.tenant_id AND first.entity_id = r.id
        AND first.seq = 1 AND first.entity_type = '{entity}'
    JOIN taskrail.event last ON last.tenant_id = r.tenant_id AND last.entity_id = r.id
        AND last.seq = r.version AND last.entity_type = '{entity}'
    WHERE (r.created_at, r.updated_at) IS DISTINCT FROM (first.at, last.at)
    """,
)

ROWS_WITHOUT_HISTORY = _of_each(
    "no_orphans",
    """
    SELECT r.tenant_id, '{entity}' AS entity, r.id::text AS id,
        'the row has no events' AS detail
    FROM taskrail.{entity} r
    WHERE NOT EXISTS (
        SELECT FROM taskrail.event e
        WHERE e.tenant_id = r.tenant_id AND e.entity_id = r.id AND e.entity_type = '{entity}'
    )
    """,
)

HISTORY_WITHOUT_ROW = _of_each(
    "no_lost_rows",
    """
    SELECT DISTINCT e.tenant_id, e.entity_type AS entity, e.entity_id::text AS id,
        'there are events of it, but no row' AS detail
    FROM taskrail.event e
    WHERE e.entity_type = '{entity}' AND NOT EXISTS (
        SELECT FROM taskrail.{entity} r WHERE r.tenant_id = e.tenant_id AND r.id = e.entity_id
    )
    """,
)

OUTBOX = check(
    "outbox_has_events",
    """
    SELECT o.tenant_id, 'outbox' AS entity, o.position::text AS id,
        'the event that is to be published does not exist' AS detail
    FROM taskrail.outbox o
    WHERE NOT EXISTS (
        SELECT FROM taskrail.event e
        WHERE e.tenant_id = o.tenant_id AND e.entity_id = o.entity_id AND e.seq = o.seq
    )
    """,
)

OUTBOX_ORDER = check(
    "outbox_is_the_end_of_history",
    """
    WITH waiting AS (
        SELECT tenant_id, entity_id, count(*) AS rows, min(seq) AS first,
            array_agg(seq ORDER BY position) = array_agg(seq ORDER BY seq) AS is_in_order
        FROM taskrail.outbox GROUP BY tenant_id, entity_id
    )
    SELECT w.tenant_id, 'outbox' AS entity, w.entity_id::text AS id,
        CASE
            WHEN NOT is_in_order THEN 'a later event would be published before an earlier one'
            ELSE format('%s events wait from number %s to %s: one is missing or too many',
                w.rows, w.first, e.last)
        END AS detail
    FROM waiting w
    JOIN LATERAL (
        SELECT max(seq) AS last FROM taskrail.event e
        WHERE e.tenant_id = w.tenant_id AND e.entity_id = w.entity_id
    ) AS e ON true
    WHERE NOT is_in_order OR w.rows <> e.last - w.first + 1
    """,
)

CHECKS = (
    SEQ_GAPS,
    VERSIONS,
    TIMES,
    LEGAL_PATHS,
    ROWS_WITHOUT_HISTORY,
    HISTORY_WITHOUT_ROW,
    OUTBOX,
    OUTBOX_ORDER,
)
