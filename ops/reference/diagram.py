"""The tables and their relations as a Mermaid ERD."""

from collections.abc import Iterator

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not type it
TENANT = "tenant_id"
SHORT_TYPES = {"TIMESTAMP WITH TIME ZONE": "timestamptz"}


def diagram(tables: list[Table]) -> Iterator[str]:
    """The lines of an erDiagram: relations with their cardinality, then the columns."""
    for of_rows in tables:
        keys = sorted(of_rows.foreign_key_constraints, key=lambda key: list(key.column_keys))
        yield from (f"    {_relation(of_rows, key)}" for key in keys)
    for of_rows in tables:
        yield f"    {of_rows.name} {{"
        yield from (f"        {_attribute(of_rows, column)}" for column in of_rows.columns)
        yield "    }"


def _relation(child: Table, key: ForeignKeyConstraint) -> str:
    """`parent ||--o{ child`: how many of each, read outwards from the line."""
    own = [column for column in key.columns if column.name != TENANT] or list(key.columns)
    parent_end = "|o" if any(column.nullable for column in own) else "||"
    is_one_to_one = {column.name for column in key.columns} == _primary(child)
    child_end = "o|" if is_one_to_one else "o{"
    label = ", ".join(column.name for column in own)
    return f"{key.referred_table.name} {parent_end}--{child_end} {child.name} : {label}"


def _attribute(of_rows: Table, column: Column[object]) -> str:
    marks = {
        "PK": column.primary_key,
        "FK": bool(column.foreign_keys),
        "UK": column.name in _unique(of_rows),
    }
    marked = ", ".join(mark for mark, applies in marks.items() if applies)
    name = column.type.compile(DIALECT)
    kind = SHORT_TYPES.get(name, name.lower())
    null = '"null"' if column.nullable else ""
    return " ".join(part for part in (kind, column.name, marked, null) if part)


def _primary(of_rows: Table) -> set[str]:
    return {column.name for column in of_rows.primary_key}


def _unique(of_rows: Table) -> set[str]:
    constraints = [one for one in of_rows.constraints if isinstance(one, UniqueConstraint)]
    indexes = [one for one in of_rows.indexes if one.unique]
    columns = [*(c for one in constraints for c in one.columns), *_columns_of(indexes)]
    return {column.name for column in columns} - ({TENANT} if len(columns) > 1 else set())


def _columns_of(indexes: list[Index]) -> Iterator[Column[object]]:
    return (column for index in indexes for column in index.columns)
