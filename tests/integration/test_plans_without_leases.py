"""Plans are made once a connection, perhaps while there are no leases: they serve many, too."""

from typing import Any

import pytest
from sqlalchemy import Executable, text

from db.driver import compiled
from db.repositories import leases
from tests.databases import Database

LOOKUPS: dict[str, tuple[Executable, str, str]] = {
    "leases of tasks": (leases.LOAD, "pk_lease", "task_id"),
    "leases of holders": (leases.HELD, "ix_lease_by_holder", "holder_id"),
}
"""Each with its index, and the column without which that index leads to all of a tenant's rows."""


@pytest.mark.parametrize("name", LOOKUPS)
async def test_a_lookup_planned_while_there_are_no_leases_goes_by_its_key(
    name: str, database: Database
) -> None:
    statement, index, column = LOOKUPS[name]
    async with database.superuser.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text("VACUUM (ANALYZE) taskrail.lease"))

    async with database.engine("worker").connect() as connection:
        beneath: Any = (await connection.get_raw_connection()).driver_connection
        await beneath.execute(f"PREPARE lookup AS {compiled(statement).text}")
        plan = await beneath.fetchval("EXPLAIN (FORMAT JSON) EXECUTE lookup('{}', '{}')")

    scans = [node for node in _nodes(plan[0]["Plan"]) if "Index Name" in node]
    assert [node["Index Name"] for node in scans] == [index]
    assert f"{column} = " in scans[0]["Index Cond"]


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(below for part in plan.get("Plans", ()) for below in _nodes(part))]
