"""Runs every check over one snapshot of the database, so that work in flight is never a finding."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ops.verify import counters, fold, history, leases, ledger, references, trees
from ops.verify.check import Check, Violation

CHECKS: tuple[Check, ...] = (
    *fold.CHECKS,
    *history.CHECKS,
    *counters.CHECKS,
    *ledger.CHECKS,
    *leases.CHECKS,
    *references.CHECKS,
    *trees.CHECKS,
)
MAX_VIOLATIONS = 1_000
"""Of each check; a broken promise is usually broken often."""
DATA_ERRORS = ("22", "23")


@dataclass(frozen=True, slots=True)
class Report:
    checks: int
    violations: list[Violation]


async def verify(reader: AsyncEngine, on_check: Callable[[str], None] = lambda _: None) -> Report:
    """What `CHECKS` find. `reader` sees all tenants; `on_check` hears the name of each check."""
    found: list[Violation] = []
    async with reader.connect() as connection:
        snapshot = await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        for check in CHECKS:
            found += await _violations(snapshot, check)
            on_check(check.name)
    return Report(len(CHECKS), found)


async def _violations(connection: AsyncConnection, check: Check) -> list[Violation]:
    try:
        async with connection.begin_nested():
            rows = (await connection.execute(check.statement)).fetchmany(MAX_VIOLATIONS)
    except DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", ""))
        if not state.startswith(DATA_ERRORS):
            raise
        return [Violation(check.name, None, "event", "", f"cannot be evaluated: {error.orig}")]
    return [
        Violation(check.name, str(row.tenant_id), row.entity, row.id, row.detail) for row in rows
    ]
