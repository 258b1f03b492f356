"""A large tenant at once: tasks in trees, with people, dependencies, leases and history.

The rows are written by set-based SQL behind the rules' back; 100,000 tasks take about 15 seconds.
The same number makes the same rows. Histories are short and do not fold to the rows.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

STATEMENTS = Path(__file__).with_suffix(".sql")
TASKS = 100_000
TASKS_A_PROJECT, TASKS_A_WORKER, FEWEST_WORKERS = 2_000, 500, 10
TENANT = text("INSERT INTO taskrail.tenant (id, slug, name) VALUES (:id, :slug, 'Seeded')")
SETTINGS = text(
    "SELECT set_config('seed.number', :number, true), set_config('seed.tenant', :tenant, true)"
)

VACUUM = text(
    "VACUUM (ANALYZE) taskrail.project, taskrail.worker, taskrail.member, taskrail.task,"
    " taskrail.wording,"
    " taskrail.lease, taskrail.dependency, taskrail.event"
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows a tenant got."""

    tasks: int
    projects: int
    workers: int


async def seed(
    engine: AsyncEngine, tenant_id: UUID, *, tasks: int = TASKS, number: int = 1
) -> Seeded:
    """The new tenant `tenant_id` has `tasks` tasks; statistics are fresh.

    The engine acts as superuser or owner and lets statements run for a minute.
    """
    sizes = Seeded(
        tasks,
        projects=max(1, tasks // TASKS_A_PROJECT),
        workers=max(FEWEST_WORKERS, tasks // TASKS_A_WORKER),
    )
    binds = {
        "tenant_id": tenant_id,
        "tasks": tasks,
        "projects": sizes.projects,
        "workers": sizes.workers,
    }
    async with engine.begin() as connection:
        await connection.execute(TENANT, {"id": tenant_id, "slug": f"seeded-{tenant_id.hex[-12:]}"})
        await connection.execute(SETTINGS, {"number": str(number), "tenant": str(tenant_id)})
        for statement in _statements():
            wanted = {name: value for name, value in binds.items() if f":{name}" in statement}
            await connection.execute(text(statement), wanted)
    await _vacuum(engine)
    return sizes


def _statements() -> list[str]:
    """A blank line ends one. Casts and the like are no binds."""
    statements = STATEMENTS.read_text(encoding="utf-8").split(";\n\n")
    return [statement.rstrip(";\n") for statement in statements]


async def _vacuum(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(VACUUM)
