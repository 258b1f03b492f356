"""The plans of the statements that the product really sends, as the server tells them."""

import json
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from db.engine import Role, create_engine
from ops.engines import patient
from settings import Settings
from tests.databases import Database, administer, named
from tests.seed import seed

Node = dict[str, Any]
TELLING = (
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_buffers = on",
    "auto_explain.log_format = json",
    "auto_explain.log_level = notice",
)
NEIGHBOURS = 5_000
DECLARE = text("SELECT set_config('app.tenants', :tenant, true)")
PICKED = text("""
    SELECT p.id, p.slug, t.id, t.assignee_id
    FROM taskrail.project p
    JOIN taskrail.task t ON t.tenant_id = p.tenant_id AND t.project_id = p.id
    WHERE p.tenant_id = :tenant_id AND t.parent_id IS NULL AND t.deleted_at IS NULL
        AND t.status = 'completed'
    ORDER BY t.id LIMIT 1
""")


@dataclass(slots=True)
class Plans:
    """What was planned since `forget`; every node knows the rows it saw."""

    roots: list[Node] = field(default_factory=list)

    def forget(self) -> None:
        self.roots.clear()

    def note(self, _: object, message: Any) -> None:
        """A notice of the server."""
        _, is_plan, plan = message.message.partition("plan:\n")
        if is_plan:
            self.roots.append(json.loads(plan)["Plan"])

    @property
    def nodes(self) -> list[Node]:
        return [node for root in self.roots for node in _walk(root)]

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def scanned_whole(self) -> set[str]:
        """Tables that were read from end to end."""
        return {n["Relation Name"] for n in self.nodes if n["Node Type"] == "Seq Scan"}

    @property
    def spilled(self) -> list[Node]:
        """Sorts and the like that did not fit into memory."""
        return [
            node
            for node in self.nodes
            if node.get("Sort Space Type") == "Disk" or node.get("Temp Written Blocks", 0)
        ]

    def examined(self, *tables: str) -> int:
        """Rows of the tables that were looked at, whether they were wanted or not."""
        scans = (node for node in self.nodes if node.get("Relation Name") in tables)
        return sum(_seen(node) for node in scans)


@dataclass(frozen=True, slots=True)
class Seed:
    """A tenant of 100,000 tasks beside a small one, and one each of what it has."""

    database: Database
    tenant_id: UUID
    project_id: UUID
    slug: str
    root: UUID
    worker: UUID

    @asynccontextmanager
    async def explained(self, role: Role) -> AsyncIterator[tuple[AsyncConnection, Plans]]:
        """A connection in that role, and the plans of what runs on it. Nothing is kept."""
        plans = Plans()
        async with self.database.engine(role).connect() as connection:
            await connection.execute(DECLARE, {"tenant": str(self.tenant_id)})
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            driver.add_log_listener(plans.note)
            yield connection, plans
            driver.remove_log_listener(plans.note)


async def told(connection: AsyncConnection, plans: Plans, read: Awaitable[object]) -> Plans:
    """The plans of `read` alone. They arrive while the server is asked something else."""
    await connection.execute(text("SELECT 1"))
    plans.forget()
    await read
    await connection.execute(text("SELECT 1"))
    assert plans.roots
    return plans


@pytest.fixture(scope="session")
async def seeded(servers: Settings, template: str) -> AsyncIterator[Seed]:
    """Made once a session; tests only look at it."""
    name = f"seeded_{uuid4().hex}"
    telling = (f"ALTER DATABASE {name} SET {setting}" for setting in TELLING)
    await administer(servers, f"CREATE DATABASE {name} TEMPLATE {template}", *telling)
    database = Database(named(servers, name))
    tenant_id = uuid7()
    maker = create_engine(patient(database.settings), "owner")
    await seed(maker, tenant_id)
    await seed(maker, uuid7(), tasks=NEIGHBOURS)
    await maker.dispose()
    async with database.superuser.connect() as connection:
        row = (await connection.execute(PICKED, {"tenant_id": tenant_id})).one()
    yield Seed(database, tenant_id, *row)
    await database.dispose()
    await administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for below in node.get("Plans", ()):
        yield from _walk(below)


def _seen(node: Node) -> int:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    once = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
    return int(once * node["Actual Loops"])
