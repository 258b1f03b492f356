"""Whom a job concerns beside the task it names: dependents, descendants, and theirs."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import ARRAY, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.entities import Key
from jobs.refs import Role

KIN = text("""
    WITH RECURSIVE kin AS (
        SELECT ref.tenant_id, ref.id, ref.role
        FROM unnest(:tenant_id_array, :id_array, :role_array) AS ref(tenant_id, id, role)
        UNION
        SELECT kin.tenant_id, next.id, next.role
        FROM kin
        CROSS JOIN LATERAL (
            SELECT t.id, CASE kin.role WHEN 'settles_all' THEN 'cancels' ELSE kin.role END AS role
            FROM taskrail.task t
            WHERE kin.role IN ('settles_all', 'cancels', 'deletes')
              AND t.tenant_id = kin.tenant_id AND t.parent_id = kin.id AND t.deleted_at IS NULL
            UNION ALL
            SELECT t.id, kin.role
            FROM taskrail.task p
            JOIN taskrail.task t ON t.tenant_id = p.tenant_id AND t.parent_id = p.id
              AND t.deletion_id = p.deletion_id
            WHERE kin.role = 'restores' AND p.tenant_id = kin.tenant_id AND p.id = kin.id
            UNION ALL
            SELECT d.task_id,
                CASE WHEN kin.role IN ('fails', 'cancels') AND d.on_failure = 'cancel'
                     THEN 'cancels' ELSE 'waits' END
            FROM taskrail.dependency d
            WHERE kin.role <> 'waits'
              AND d.tenant_id = kin.tenant_id AND d.depends_on_id = kin.id
        ) AS next
    )
    SELECT kin.tenant_id, kin.id, kin.role, t.parent_id
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
    """`acting`: those whose own dependents are concerned. `children`: by parent, where they are.

    `restored`: by parent, the children that come back with it.
    """

    tasks: set[Key] = field(default_factory=set)
    acting: set[Key] = field(default_factory=set)
    children: dict[Key, set[Key]] = field(default_factory=dict)
    restored: dict[Key, set[Key]] = field(default_factory=dict)


class Kin:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def concerned(self, roles: Collection[tuple[Key, Role]], most: int) -> Concerned | None:
        """All that these tasks' changes concern, themselves included; None if more than `most`."""
        ordered = sorted(roles)
        rows = (
            await self._connection.execute(
                KIN,
                {
                    "tenant_id_array": [tenant_id for (tenant_id, _), _ in ordered],
                    "id_array": [task_id for (_, task_id), _ in ordered],
                    "role_array": [role.value for _, role in ordered],
                    "most": most + 1,
                },
            )
        ).all()
        if len(rows) > most:
            return None
        return _sorted_out([((r.tenant_id, r.id), r.role, r.parent_id) for r in rows])


def _sorted_out(rows: list[tuple[Key, str, object]]) -> Concerned:
    found = Concerned()
    for key, role, _ in rows:
        found.tasks.add(key)
        if role != WAITS:
            found.acting.add(key)
        if role in TAKES_CHILDREN:
            found.children.setdefault(key, set())
        if role == Role.RESTORES:
            found.restored.setdefault(key, set())
    for key, role, parent_id in rows:
        parent = (key[0], parent_id)
        if role in {Role.CANCELS, Role.DELETES} and parent in found.children:
            found.children[parent].add(key)
        if role == Role.RESTORES and parent in found.restored:
            found.restored[parent].add(key)
    return found
