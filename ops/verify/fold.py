"""Rows equal the fold of their events: own columns, and the parts that other tables hold."""

from dataclasses import fields

from db.arrays import table_of
from db.models import Project as Row
from db.repositories.history import ERASED
from jobs.changes import DERIVED, HEADER
from jobs.entities import Project
from ops.verify.check import Check, check

COUNTERS = {column.name for column in table_of(Row).c} - {field.name for field in fields(Project)}
NOT_FOLDED = sorted(HEADER | DERIVED | COUNTERS)
"""The event's own row states the header; derived columns have checks of their own."""


def _fold(entity: str) -> Check:
    """Values of the latest event that names a column win, typed by the table's own row type."""
    return check(
        f"{entity}_fold",
        f"""
        WITH fold AS (
            SELECT e.tenant_id, e.entity_id, jsonb_object_agg(d.key, d.value ORDER BY e.seq) AS data
            FROM taskrail.event e CROSS JOIN LATERAL jsonb_each(e.data) AS d(key, value)
            WHERE e.entity_type = '{entity}'
            GROUP BY e.tenant_id, e.entity_id
        ), compared AS (
            SELECT r.tenant_id, r.id,
                to_jsonb(r) - CAST(:not_folded AS text[]) AS stored,
                to_jsonb(jsonb_populate_record(NULL::taskrail.{entity}, f.data))
                    - CAST(:not_folded AS text[]) AS folded
            FROM taskrail.{entity} r
            JOIN fold f ON f.tenant_id = r.tenant_id AND f.entity_id = r.id
        )
        SELECT tenant_id, '{entity}' AS entity, id::text AS id,
            'the row differs from its events in ' || (
                SELECT string_agg(s.key, ', ' ORDER BY s.key)
                FROM jsonb_each(stored) AS s(key, value)
                WHERE s.value IS DISTINCT FROM folded -> s.key
            ) AS detail
        FROM compared
        WHERE stored IS DISTINCT FROM folded
        """,  # noqa: S608 - the entity is one of three names of ours
        not_folded=NOT_FOLDED,
    )


LEASES = check(
    "lease_fold",
    """
    WITH last AS (
        SELECT DISTINCT ON (tenant_id, entity_id)
            tenant_id, entity_id AS task_id, data -> 'lease' AS lease
        FROM taskrail.event
        WHERE entity_type = 'task' AND jsonb_exists(data, 'lease')
        ORDER BY tenant_id, entity_id, seq DESC
    ), folded AS (
        SELECT tenant_id, task_id, (lease ->> 'holder_id')::uuid AS holder_id,
            (lease ->> 'token')::bigint AS token,
            (lease ->> 'previous_assignee_id')::uuid AS previous_assignee_id
        FROM last
        WHERE jsonb_typeof(lease) = 'object'
    )
    SELECT tenant_id, 'lease' AS entity, task_id::text AS id,
        CASE
            WHEN r.holder_id IS NULL THEN 'by its events the task is leased; the lease is missing'
            WHEN f.holder_id IS NULL THEN 'by its events the task is not leased; there is a lease'
            ELSE 'holder, token or previous assignee differ from the event that granted the lease'
        END AS detail
    FROM folded f FULL JOIN taskrail.lease r USING (tenant_id, task_id)
    WHERE (f.holder_id, f.token, f.previous_assignee_id)
        IS DISTINCT FROM (r.holder_id, r.token::bigint, r.previous_assignee_id)
    """,
)

MEMBERS = check(
    "member_fold",
    """
    WITH folded AS (
        SELECT DISTINCT ON (e.tenant_id, e.entity_id, m.worker_id)
            e.tenant_id, e.entity_id AS project_id, m.worker_id, m.role, m.joined_at
        FROM taskrail.event e
        CROSS JOIN LATERAL jsonb_to_record(e.data -> 'member')
            AS m(worker_id uuid, role text, joined_at timestamptz)
        WHERE e.entity_type = 'project' AND jsonb_exists(e.data, 'member')
        ORDER BY e.tenant_id, e.entity_id, m.worker_id, e.seq DESC
    ), there AS (
        SELECT * FROM folded WHERE role IS NOT NULL
    )
    SELECT tenant_id, 'member' AS entity, project_id || '/' || worker_id AS id,
        'the membership differs from the events of its project' AS detail
    FROM there f FULL JOIN taskrail.member r USING (tenant_id, project_id, worker_id)
    WHERE (f.role, f.joined_at) IS DISTINCT FROM (r.role, r.joined_at)
    """,
)

DEPENDENCIES = check(
    "dependency_fold",
    """
    WITH told AS (
        SELECT e.tenant_id, e.entity_id AS task_id, e.seq, d.depends_on_id, d.on_failure
        FROM taskrail.event e
        CROSS JOIN LATERAL jsonb_to_recordset(
            coalesce(e.data -> 'dependencies', jsonb_build_array(e.data -> 'dependency'))
        ) AS d(depends_on_id uuid, on_failure text)
        WHERE e.entity_type = 'task'
            AND (jsonb_exists(e.data, 'dependencies') OR jsonb_exists(e.data, 'dependency'))
    ), last AS (
        SELECT DISTINCT ON (tenant_id, task_id, depends_on_id) *
        FROM told ORDER BY tenant_id, task_id, depends_on_id, seq DESC
    ), there AS (
        SELECT * FROM last WHERE on_failure IS NOT NULL
    )
    SELECT tenant_id, 'dependency' AS entity, task_id || '/' || depends_on_id AS id,
        'the dependency differs from the events of its task' AS detail
    FROM there f FULL JOIN taskrail.dependency r USING (tenant_id, task_id, depends_on_id)
    WHERE f.on_failure IS DISTINCT FROM r.on_failure
    """,
)

COMMENTS = check(
    "comment_fold",
    """
    WITH folded AS (
        SELECT e.tenant_id, c.id, e.entity_id AS task_id, c.author_id, e.at AS created_at,
            CASE WHEN t.purged_at IS NULL THEN c.body ELSE :erased END AS body
        FROM taskrail.event e
        LEFT JOIN taskrail.task t ON t.tenant_id = e.tenant_id AND t.id = e.entity_id
        CROSS JOIN LATERAL jsonb_to_record(e.data -> 'comment')
            AS c(id uuid, author_id uuid, body text)
        WHERE e.entity_type = 'task' AND e.kind = 'task.commented'
    )
    SELECT tenant_id, 'comment' AS entity, id::text AS id,
        'the comment differs from the event that made it' AS detail
    FROM folded f FULL JOIN taskrail.comment r USING (tenant_id, id)
    WHERE (f.task_id, f.author_id, f.body, f.created_at)
        IS DISTINCT FROM (r.task_id, r.author_id, r.body, r.created_at)
    """,
    erased=ERASED,
)

ENTITIES = tuple(_fold(entity) for entity in ("project", "worker", "task"))
CHECKS = (*ENTITIES, LEASES, MEMBERS, DEPENDENCIES, COMMENTS)
