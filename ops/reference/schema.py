"""The page of the schema: diagram, indexes and CHECKs, from the models."""

from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Index, Table
from sqlalchemy.schema import CreateIndex

from db.models import metadata
from ops.reference.diagram import DIALECT, diagram
from ops.reference.prose import mermaid, page, prose, table


def schema_page() -> str:
    tables = metadata.sorted_tables
    return page(
        "Schema",
        prose("introductions")["schema"],
        mermaid(["erDiagram", *diagram(tables)]),
        "## Indexes\n\nPrimary keys and UNIQUE constraints have theirs besides.",
        table(("index", "table", "keys", "only", "serves"), _index_rows(tables)),
        "## Checks",
        table(("table", "check", "what every row keeps"), _check_rows(tables)),
    )


def _index_rows(tables: list[Table]) -> Iterator[tuple[str, ...]]:
    purposes = prose("indexes")
    for of_rows in tables:
        for index in sorted(of_rows.indexes, key=lambda index: str(index.name)):
            name, (keys, predicate) = str(index.name), _definition(index)
            only = f"`{predicate}`" if predicate else ""
            yield f"`{name}`", of_rows.name, f"`{keys}`", only, purposes[name]


def _definition(index: Index) -> tuple[str, str]:
    """Method and keys, and the predicate, of `CREATE INDEX … USING … (…) WHERE …`."""
    ddl = str(CreateIndex(index).compile(dialect=DIALECT))
    keys, _, predicate = ddl.partition(" ON ")[2].partition(" WHERE ")
    method_and_keys = keys.partition(" ")[2].replace("USING ", "")
    unique = "unique " if index.unique else ""
    return unique + method_and_keys, predicate


def _check_rows(tables: list[Table]) -> Iterator[tuple[str, str, str]]:
    for of_rows in tables:
        checks = [one for one in of_rows.constraints if isinstance(one, CheckConstraint)]
        for check in sorted(checks, key=lambda check: str(check.name)):
            yield of_rows.name, f"`{_full_name(of_rows, check)}`", f"`{check.sqltext}`"


def _full_name(of_rows: Table, check: CheckConstraint) -> str:
    return f"ck_{of_rows.name}_{check.name}" if "ck_" not in str(check.name) else str(check.name)
