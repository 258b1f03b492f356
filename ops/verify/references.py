"""Every reference stays within its tenant, its project and its membership."""

from sqlalchemy import (
    ForeignKeyConstraint,
    Select,
    String,
    Table,
    and_,
    cast,
    exists,
    func,
    literal,
    select,
    union_all,
)

from db.models import metadata
from ops.verify.check import Check, check


def _tenants_not_mixed() -> Check:
    """What each foreign key promises, asked of the rows themselves: keys can be switched off."""
    keys = [
        (table, key)
        for table in metadata.sorted_tables
        for key in sorted(table.foreign_key_constraints, key=lambda key: list(key.column_keys))
    ]
    return Check("tenants_not_mixed", union_all(*(_dangling(table, key) for table, key in keys)))


def _dangling(table: Table, key: ForeignKeyConstraint) -> Select[tuple[str, str, str, str]]:
    child = table.alias("child")
    parent = key.referred_table.alias("parent")
    pairs = [(child.c[part.parent.key], parent.c[part.column.key]) for part in key.elements]
    target = exists().where(*(mine == theirs for mine, theirs in pairs)).correlate(child)
    identity = [cast(child.c[column.key], String) for column in table.primary_key]
    own = identity[1:] or identity
    names = ", ".join(key.column_keys)
    return select(
        cast(child.c.tenant_id, String).label("tenant_id"),
        literal(table.name).label("entity"),
        func.concat_ws("/", *own).label("id"),
        literal(f"({names}) names no {key.referred_table.name} of the tenant").label("detail"),
    ).where(and_(*(mine.is_not(None) for mine, _ in pairs)), ~target)


ACTORS = check(
    "actors_are_workers",
    """
    SELECT DISTINCT e.tenant_id, 'event' AS entity, e.entity_id || '/' || e.seq AS id,
        'its actor is no worker of the tenant' AS detail
    FROM taskrail.event e
    WHERE e.actor_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM taskrail.worker w WHERE w.tenant_id = e.tenant_id AND w.id = e.actor_id
    )
    """,
)

MEMBERSHIP = check(
    "assignees_are_members",
    """
    WITH given AS (
        SELECT tenant_id, id, project_id, assignee_id AS worker_id FROM taskrail.task
        WHERE assignee_id IS NOT NULL AND deleted_at IS NULL
            AND status IN ('pending', 'in_progress', 'review', 'blocked')
        UNION
        SELECT t.tenant_id, t.id, t.project_id, l.holder_id
        FROM taskrail.lease l
        JOIN taskrail.task t ON t.tenant_id = l.tenant_id AND t.id = l.task_id
    )
    SELECT g.tenant_id, 'task' AS entity, g.id::text AS id,
        format('%s has it, but is no active member of its project', g.worker_id) AS detail
    FROM given g
    WHERE NOT EXISTS (
        SELECT FROM taskrail.member m
        JOIN taskrail.worker w ON w.tenant_id = m.tenant_id AND w.id = m.worker_id
        WHERE m.tenant_id = g.tenant_id AND m.project_id = g.project_id
            AND m.worker_id = g.worker_id AND w.deactivated_at IS NULL
    )
    """,
)

ONE_PROJECT = check(
    "kin_in_one_project",
    """
    WITH kin AS (
        SELECT tenant_id, id, project_id, parent_id AS other_id FROM taskrail.task
        WHERE parent_id IS NOT NULL
        UNION ALL
        SELECT t.tenant_id, t.id, t.project_id, d.depends_on_id
        FROM taskrail.dependency d
        JOIN taskrail.task t ON t.tenant_id = d.tenant_id AND t.id = d.task_id
    )
    SELECT k.tenant_id, 'task' AS entity, k.id::text AS id,
        format('%s lies in another project', k.other_id) AS detail
    FROM kin k
    JOIN taskrail.task o ON o.tenant_id = k.tenant_id AND o.id = k.other_id
    WHERE o.project_id <> k.project_id
    """,
)

CHECKS = (_tenants_not_mixed(), ACTORS, MEMBERSHIP, ONE_PROJECT)
