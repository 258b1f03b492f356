"""Rows of any table as they stand, so that two moments of one transaction can be compared."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Integer, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import keyed, keys, matches
from db.models import SCHEMA, metadata

NAMED_BY: dict[str, tuple[str, ...]] = {
    "job": ("tenant_id", "id"),
    "project": ("tenant_id", "id"),
    "worker": ("tenant_id", "id"),
    "member": ("tenant_id", "project_id", "worker_id"),
    "task": ("tenant_id", "id"),
    "lease": ("tenant_id", "task_id"),
    "dependency": ("tenant_id", "task_id", "depends_on_id"),
    "comment": ("tenant_id", "task_id"),
    "event": ("tenant_id", "entity_id", "seq"),
    "tally": ("tenant_id", "project_id"),
}
"""By what rows are asked for: all that a job writes, but `outbox` and `wording`, which follow."""

Place = tuple[str, tuple[tuple[str, Any], ...]]
"""A table and a primary key: names and values of its columns."""
Names = Mapping[str, Collection[tuple[Any, ...]]]
"""Tables, and keys of the kind that NAMED_BY says."""


class Rows:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def read(self, names: Names) -> dict[Place, dict[str, Any]]:
        """What is there of these rows: columns and values. One statement a table."""
        found: dict[Place, dict[str, Any]] = {}
        for table, wanted in names.items():
            if wanted:
                rows = await self._connection.execute(READ[table], keys(wanted, NAMED_BY[table]))
                found |= {_place(table, row): dict(row) for row in rows.mappings()}
        return found


def _read(name: str, columns: tuple[str, ...]) -> Select[Any]:
    table = metadata.tables[f"{SCHEMA}.{name}"]
    numbers = {column: Integer() for column in columns if column == "seq"}
    named = keyed(*(column for column in columns if column not in numbers), **numbers)
    return select(table).where(*matches(table, named, *columns))


READ = {name: _read(name, columns) for name, columns in NAMED_BY.items()}


def _place(table: str, row: Mapping[Any, Any]) -> Place:
    primary = metadata.tables[f"{SCHEMA}.{table}"].primary_key
    return table, tuple((column.name, row[column.name]) for column in primary)
