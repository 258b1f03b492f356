"""All rows of all tables, to compare two moments."""

from typing import Any

from db.models import metadata
from tests.engine import Engine


async def snapshot(engine: Engine) -> dict[str, dict[str, Any]]:
    """All rows of all tables, each under its primary key."""
    found: dict[str, dict[str, Any]] = {}
    for table in metadata.sorted_tables:
        key = ", ".join(f"t.{column.name}" for column in table.primary_key)
        rows = await engine.execute(
            f"SELECT concat_ws('/', {key}) AS key, to_jsonb(t) AS row FROM taskrail.{table.name} t"  # noqa: S608
        )
        found[table.name] = {row["key"]: row["row"] for row in rows}
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The keys of rows that are new, gone or other than before."""
    return {key for key in {**before, **after} if before.get(key) != after.get(key)}
