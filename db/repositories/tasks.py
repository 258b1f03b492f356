"""Tasks: the rows that jobs fight for. Locked rows are skipped, unless the job stands alone."""

from collections.abc import Collection
from dataclasses import fields
from uuid import UUID

from sqlalchemy import select

from db.arrays import (
    arrays,
    bulk_insert,
    changed_arrays,
    entity_columns,
    guarded_update,
    keyed,
    keys,
    matches,
    table_of,
)
from db.driver import Driver
from db.models import Task as Row
from jobs.changes import Change
from jobs.entities import Key, Priority, Task, TaskStatus

TABLE = table_of(Row)
COLUMNS = [field.name for field in fields(Task)]
STATE = [
    "status", "progress", "assignee_id", "attempt", "blocked_reason", "question", "result",
    "failure", "usage", "last_token", "submitted_by_id", "started_at", "completed_at",
    "unmet_dependencies", "updated_at", "version",
]  # fmt: skip
"""What the lifecycle changes; the rest is definition, and is written only where it changed."""
ALL = [name for name in COLUMNS if name not in {"tenant_id", "id", "created_at"}]
REF = keyed("tenant_id", "id")

PROJECTS = select(TABLE.c.tenant_id, TABLE.c.id, TABLE.c.project_id).where(
    *matches(TABLE, REF, "tenant_id", "id")
)
READ = (
    select(*entity_columns(TABLE, Task))
    .where(*matches(TABLE, REF, "tenant_id", "id"))
    .order_by(TABLE.c.tenant_id, TABLE.c.id)
)
LOCK = READ.with_for_update(key_share=True, of=TABLE)
LOCK_FREE = READ.with_for_update(key_share=True, of=TABLE, skip_locked=True)
SHARE = READ.with_for_update(read=True, of=TABLE)
SHARE_FREE = READ.with_for_update(read=True, of=TABLE, skip_locked=True)

INSERT = bulk_insert(TABLE, COLUMNS)
UPDATE_STATE = guarded_update(TABLE, STATE)
UPDATE_ALL = guarded_update(TABLE, ALL)


class Tasks:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def projects_of(self, wanted: Collection[Key]) -> dict[Key, UUID]:
        """The project of each task that exists; a task never changes its project."""
        rows = await self._driver.fetch(PROJECTS, keys(wanted))
        return {(tenant_id, task_id): project_id for tenant_id, task_id, project_id in rows}

    async def read(self, wanted: Collection[Key]) -> list[Task]:
        """The rows, unlocked: only to be looked at."""
        rows = await self._driver.fetch(READ, keys(wanted))
        return [as_task(Task(*row)) for row in rows]

    async def lock(self, wanted: Collection[Key], *, wait: bool) -> list[Task]:
        """The rows, for changes; without `wait` those that nobody else has locked."""
        rows = await self._driver.fetch(LOCK if wait else LOCK_FREE, keys(wanted))
        return [as_task(Task(*row)) for row in rows]

    async def share(self, wanted: Collection[Key], *, wait: bool) -> list[Task]:
        """The rows, held still until the commit; without `wait` those nobody is changing."""
        rows = await self._driver.fetch(SHARE if wait else SHARE_FREE, keys(wanted))
        return [as_task(Task(*row)) for row in rows]

    async def insert(self, tasks: list[Task]) -> None:
        await self._driver.execute(INSERT, arrays(tasks, COLUMNS))

    async def update(self, changes: list[Change]) -> int:
        """Writes what changed where the version is still the one that was read."""
        state = [change for change in changes if change.columns.issubset(STATE)]
        rest = [change for change in changes if not change.columns.issubset(STATE)]
        updated = 0
        if state:
            updated += await self._driver.execute(UPDATE_STATE, changed_arrays(state, STATE))
        if rest:
            updated += await self._driver.execute(UPDATE_ALL, changed_arrays(rest, ALL))
        return updated


def as_task(task: Task) -> Task:
    task.status = TaskStatus(task.status)
    task.priority = Priority(task.priority)
    return task
