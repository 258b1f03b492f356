"""Statements as the server counts them: a hook of the client's takes many rows for one."""

from tests.engine import Engine

RAN = """
    SELECT query, sum(calls)::int AS calls FROM pg_stat_statements
    WHERE userid = coalesce(CAST(CAST(:role AS text) AS regrole), userid)
        AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY query
"""


async def count_anew(engine: Engine) -> None:
    await engine.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    await engine.execute("SELECT pg_stat_statements_reset()")


async def ran(engine: Engine, role: str | None = None) -> dict[str, int]:
    """How often each ran on this database since then, as this role or as any."""
    rows = await engine.execute(RAN, role=role and f"taskrail_{role}")
    return {row["query"]: row["calls"] for row in rows}


async def number_run(engine: Engine, role: str | None = None) -> int:
    """Raises AssertionError if none ran."""
    statements = await ran(engine, role)
    assert statements
    return sum(statements.values())
