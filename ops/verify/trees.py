"""Trees and dependencies have the shape that the rules give them."""

from jobs.payloads.task import MAX_TREE_DEPTH
from ops.verify.check import check

TREES = check(
    "trees_are_sound",
    """
    WITH RECURSIVE line AS (
        SELECT tenant_id, id, id AS above, parent_id, 1 AS depth
        FROM taskrail.task
        UNION ALL
        SELECT l.tenant_id, l.id, t.id, t.parent_id, l.depth + 1
        FROM line l
        JOIN taskrail.task t ON t.tenant_id = l.tenant_id AND t.id = l.parent_id
        WHERE l.depth <= :deepest
    )
    SELECT tenant_id, 'task' AS entity, id::text AS id,
        format('it lies deeper than %s levels, or above itself', :deepest) AS detail
    FROM line WHERE depth > :deepest
    UNION ALL
    SELECT c.tenant_id, 'task', c.id::text, format('it is live, its parent %s is deleted', p.id)
    FROM taskrail.task c
    JOIN taskrail.task p ON p.tenant_id = c.tenant_id AND p.id = c.parent_id
    WHERE c.deleted_at IS NULL AND p.deleted_at IS NOT NULL
    """,
    deepest=MAX_TREE_DEPTH,
)

CYCLES = check(
    "dependencies_have_no_cycle",
    """
    WITH RECURSIVE above AS (
        SELECT tenant_id, task_id, depends_on_id FROM taskrail.dependency
        UNION
        SELECT a.tenant_id, a.task_id, d.depends_on_id
        FROM above a
        JOIN taskrail.dependency d ON d.tenant_id = a.tenant_id AND d.task_id = a.depends_on_id
    )
    SELECT tenant_id, 'task' AS entity, task_id::text AS id, 'it waits for itself' AS detail
    FROM above WHERE task_id = depends_on_id
    """,
)

WORDING = check(
    "wording_is_the_tasks",
    """
    SELECT t.tenant_id, 'task' AS entity, t.id::text AS id,
        'searches do not find what it says' AS detail
    FROM taskrail.task t
    LEFT JOIN taskrail.wording w ON w.tenant_id = t.tenant_id AND w.task_id = t.id
    WHERE (w.project_id, w.words, w.tags)
        IS DISTINCT FROM (t.project_id, concat_ws(E'\\n', t.title, t.description), t.tags)
    """,
)

QUESTIONS = check(
    "questions_block",
    """
    SELECT tenant_id, 'task' AS entity, id::text AS id,
        'it asks a question without waiting for the answer, or waits without asking' AS detail
    FROM taskrail.task
    WHERE purged_at IS NULL
        AND (question IS NOT NULL) <> (blocked_reason IS NOT DISTINCT FROM 'input_required')
    """,
)

SERIES = check(
    "one_successor",
    """
    SELECT tenant_id, 'task' AS entity, string_agg(id::text, '/' ORDER BY id) AS id,
        format('occurrence %s of its series is there %s times', recurrence ->> 'occurrence',
            count(*)) AS detail
    FROM taskrail.task
    WHERE recurrence IS NOT NULL
    GROUP BY tenant_id, recurrence ->> 'series_id', recurrence ->> 'occurrence'
    HAVING count(*) > 1
    """,
)

CHECKS = (TREES, CYCLES, WORDING, QUESTIONS, SERIES)
