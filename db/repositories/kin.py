"""Whom a job concerns beside the task it names: dependents, descendants, and theirs."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, text

from db.driver import Driver
from jobs.entities import Dependency, Key, OnFailure
from jobs.refs import Role

KIN = text("""
    WITH RECURSIVE kin AS (
        SELECT ref.tenant_id, ref.id, ref.role,
            CAST(NULL AS uuid) AS blocker_id, CAST(NULL AS text) AS on_failure
        FROM unnest(:tenant_id_array, :id_array, :role_array) AS ref(tenant_id, id, role)
        UNION
        SELECT kin.tenant_id, next.id, next.role, next.blocker_id, next.on_failure
        FROM kin
        CROSS JOIN LATERAL (
            SELECT t.id, CASE kin.role WHEN 'settles_all' THEN 'cancels' ELSE kin.role END AS role,
                CAST(NULL AS uuid) AS blocker_id, CAST(NULL AS text) AS on_failure
            FROM taskrail.task t
            WHERE kin.role IN ('settles_all', 'cancels', 'deletes')
              AND t.tenant_id = kin.tenant_id AND t.parent_id = kin.id AND t.deleted_at IS NULL
            UNION ALL
            SELECT t.id, kin.role, NULL, NULL
            FROM taskrail.task p
            JOIN taskrail.task t ON t.tenant_id = p.tenant_id AND t.parent_id = p.id
              AND t.deletion_id = p.deletion_id
            WHERE kin.role = 'restores' AND p.tenant_id = kin.tenant_id AND p.id = kin.id
            UNION ALL
            SELECT d.task_id,
                CASE WHEN kin.role IN ('fails', 'cancels') AND d.on_failure = 'cancel'
                     THEN 'cancels' ELSE 'waits' END,
                kin.id, d.on_failure
            FROM taskrail.dependency d
            WHERE kin.role <> 'waits'
              AND d.tenant_id = kin.tenant_id AND d.depends_on_id = kin.id
        ) AS next
    )
    SELECT kin.tenant_id, kin.id, kin.role, t.parent_id, kin.blocker_id, kin.on_failure
    FROM kin JOIN taskrail.task t ON t.tenant_id = kin.tenant_id AND t.id = kin.id
    LIMIT :most
""").bindparams(
    bindparam("tenant_id_array", type_=ARRAY(Uuid())),
    bindparam("id_array", type_=ARRAY(Uuid())),
    bindparam("role_array", type_=ARRAY(Text())),
)
WAITS = "waits"
"""A dependent that only counts; of the others see `Role`."""
TAKES_CHILDREN = frozenset({Role.SETTLES_ALL, Role.CANCELS, Role.DELETES})


@dataclass(slots=True)
class Concerned:
    """`acting`: those whose own dependents are concerned, and `edges` from these to them.

    `children`: by parent, where they are. `restored`: by parent, those that come back with it.
    """

    tasks: set[Key] = field(default_factory=set)
    acting: set[Key] = field(default_factory=set)
    edges: list[Dependency] = field(default_factory=list)
    children: dict[Key, set[Key]] = field(default_factory=dict)
    restored: dict[Key, set[Key]] = field(default_factory=dict)


class Kin:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def concerned(self, roles: Collection[tuple[Key, Role]], most: int) -> Concerned | None:
        """All that these tasks' changes concern, themselves included; None if more than `most`."""
        ordered = sorted(roles)
        rows = await self._driver.fetch(
            KIN,
            {
                "tenant_id_array": [tenant_id for (tenant_id, _), _ in ordered],
                "id_array": [task_id for (_, task_id), _ in ordered],
                "role_array": [role.value for _, role in ordered],
                "most": most + 1,
            },
        )
        return None if len(rows) > most else _sorted_out([Found(*row) for row in rows])


class Found(NamedTuple):
    """A task, in what role, and by which edge it was found, if by one."""

    tenant_id: UUID
    id: UUID
    role: str
    parent_id: UUID | None
    blocker_id: UUID | None
    on_failure: str | None


def _sorted_out(rows: list[Found]) -> Concerned:
    found = Concerned()
    for row in rows:
        key = (row.tenant_id, row.id)
        found.tasks.add(key)
        if row.role != WAITS:
            found.acting.add(key)
        if row.role in TAKES_CHILDREN:
            found.children.setdefault(key, set())
        if row.role == Role.RESTORES:
            found.restored.setdefault(key, set())
        if row.blocker_id is not None and row.on_failure is not None:
            edge = Dependency(row.tenant_id, row.id, row.blocker_id, OnFailure(row.on_failure))
            found.edges.append(edge)
    for row in rows:
        _put_below(found, row)
    return found


def _put_below(found: Concerned, row: Found) -> None:
    if row.parent_id is None:
        return
    parent = (row.tenant_id, row.parent_id)
    if row.role in {Role.CANCELS, Role.DELETES} and parent in found.children:
        found.children[parent].add((row.tenant_id, row.id))
    if row.role == Role.RESTORES and parent in found.restored:
        found.restored[parent].add((row.tenant_id, row.id))
