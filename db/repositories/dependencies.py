"""Dependencies: who waits for whom. Written by jobs that hold their project's tree."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import ARRAY, Uuid, bindparam, delete, text

from db.arrays import arrays, bulk_insert, keyed, keys, matches, table_of
from db.driver import Driver
from db.models import Dependency as Row
from jobs.entities import Dependency, Edge, Key, OnFailure

TABLE = table_of(Row)
COLUMNS = [field.name for field in fields(Dependency)]
EDGE = ("tenant_id", "task_id", "depends_on_id")

ABOVE = text("""
    WITH RECURSIVE above AS (
        SELECT d.tenant_id, d.task_id, d.depends_on_id, d.on_failure
        FROM unnest(:tenant_id_array, :id_array) AS ref(tenant_id, id)
        JOIN taskrail.dependency d ON d.tenant_id = ref.tenant_id AND d.task_id = ref.id
        UNION
        SELECT d.tenant_id, d.task_id, d.depends_on_id, d.on_failure
        FROM above a
        JOIN taskrail.dependency d ON d.tenant_id = a.tenant_id AND d.task_id = a.depends_on_id
    )
    SELECT tenant_id, task_id, depends_on_id, on_failure FROM above
""").bindparams(
    bindparam("tenant_id_array", type_=ARRAY(Uuid())),
    bindparam("id_array", type_=ARRAY(Uuid())),
)
_INSERT = bulk_insert(TABLE, COLUMNS)
PUT = _INSERT.on_conflict_do_update(
    index_elements=EDGE, set_={"on_failure": _INSERT.excluded.on_failure}
)
END = delete(TABLE).where(*matches(TABLE, keyed(*EDGE), *EDGE))


class Dependencies:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def above(self, tasks: Collection[Key]) -> list[Dependency]:
        """The edges from these tasks to their blockers, from those to theirs, and so on."""
        rows = await self._driver.fetch(ABOVE, keys(tasks))
        return [_dependency(*row) for row in rows]

    async def put(self, edges: list[Dependency]) -> None:
        await self._driver.execute(PUT, arrays(edges, COLUMNS))

    async def end(self, edges: Collection[Edge]) -> None:
        await self._driver.execute(END, keys(edges, EDGE))


def _dependency(*row: object) -> Dependency:
    edge = Dependency(*row)  # type: ignore[arg-type]
    edge.on_failure = OnFailure(edge.on_failure)
    return edge
