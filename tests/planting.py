"""Rows written behind the product's back, in plain SQL: only what the schema itself demands."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

SOON = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Planted:
    """A tenant with one project, one worker and two tasks."""

    tenant_id: UUID = field(default_factory=uuid7)
    project_id: UUID = field(default_factory=uuid7)
    worker_id: UUID = field(default_factory=uuid7)
    task_id: UUID = field(default_factory=uuid7)
    other_task_id: UUID = field(default_factory=uuid7)

    def row(self, table: str) -> dict[str, Any]:
        """A further valid row of `table` in this tenant, without anything that has a default."""
        new = uuid7()
        name = f"n{new.hex}"
        project = {"tenant_id": self.tenant_id, "project_id": self.project_id}
        task = {"tenant_id": self.tenant_id, "task_id": self.task_id}
        own = {"tenant_id": self.tenant_id, "id": new}
        rows: dict[str, dict[str, Any]] = {
            "tenant": {"id": new, "slug": name, "name": "A tenant"},
            "project": {**own, "slug": name, "name": "A project"},
            "worker": {**own, "handle": f"@{name}", "name": "Ada", "kind": "human"},
            "member": {**project, "worker_id": self.worker_id, "role": "member"},
            "task": {**own, "project_id": self.project_id, "title": "A task"},
            "lease": {**task, "holder_id": self.worker_id, "token": 1, "expires_at": SOON},
            "dependency": {**task, "depends_on_id": self.other_task_id},
            "comment": {**own, "task_id": self.task_id, "body": "Well said."},
            "event": {
                "tenant_id": self.tenant_id,
                "entity_type": "task",
                "entity_id": self.task_id,
                "seq": 1,
                "kind": "task.created",
                "title": "A task",
                "job_id": new,
                "data": "{}",
            },
            "wording": {**task, "project_id": self.project_id, "words": "A task"},
            "outbox": {"tenant_id": self.tenant_id, "entity_id": self.task_id, "seq": 1},
            "tally": {**project, "tasks": 1, "completed": 0},
            "job": {
                **own,
                "kind": "task.start",
                "envelope": "{}",
                "status": "accepted",
                "next_feed_at": SOON,
            },
            "intervention": {
                "tenant_id": self.tenant_id,
                "job_id": new,
                "operator": "ada",
                "verb": "replay",
            },
            "dead_letter": {
                "id": new,
                "queue": "q",
                "arq_id": "1",
                "raw": b"?",
                "size": 1,
                "sha256": "0" * 64,
                "reason": "unreadable",
                "fingerprint": "f",
            },
        }
        return rows[table]


async def plant(connection: AsyncConnection) -> Planted:
    """A new tenant with what belongs to it; nothing of it is done yet."""
    planted = Planted()
    await insert(connection, "tenant", planted.row("tenant") | {"id": planted.tenant_id})
    for table, row_id in (
        ("project", planted.project_id),
        ("worker", planted.worker_id),
        ("task", planted.task_id),
        ("task", planted.other_task_id),
    ):
        await insert(connection, table, planted.row(table) | {"id": row_id})
    return planted


async def insert(connection: AsyncConnection, table: str, row: dict[str, Any]) -> None:
    """JSON is given as text."""
    names, binds = ", ".join(row), ", ".join(f":{name}" for name in row)
    await connection.execute(
        text(f"INSERT INTO taskrail.{table} ({names}) VALUES ({binds})"),  # noqa: S608 - our names
        row,
    )
