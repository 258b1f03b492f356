"""The plans of the statements that the product really sends, as the server tells them."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from asyncpg import Connection, PostgresLogMessage
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import PINNED_PLANS

Node = dict[str, Any]
TELLING = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
    "client_min_messages": "notice",
}


@dataclass(slots=True)
class Plans:
    """What was planned since `forget`; every node knows the rows it saw."""

    roots: list[Node] = field(default_factory=list)

    def forget(self) -> None:
        self.roots.clear()

    def note(self, _: object, message: PostgresLogMessage) -> None:
        told = getattr(message, "message", "")
        if "plan:\n" in told:
            self.roots.append(json.loads(told.partition("plan:\n")[2])["Plan"])

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


@asynccontextmanager
async def explained(
    login: AsyncEngine, role: Literal["reader", "worker"], tenant_id: object
) -> AsyncIterator[tuple[AsyncConnection, Plans]]:
    """A connection as the product's in that role, and the plans of what it runs.

    `login` must be a superuser's: only he may ask the server to tell.
    """
    async with login.connect() as connection:
        await connection.execute(text("LOAD 'auto_explain'"))
        settings = TELLING | (PINNED_PLANS if role == "worker" else {"plan_cache_mode": "force_custom_plan"})
        for name, value in (settings | {"app.tenants": str(tenant_id)}).items():
            binds = {"name": name, "value": value}
            await connection.execute(text("SELECT set_config(:name, :value, false)"), binds)
        await connection.execute(text(f"SET ROLE taskrail_{role}"))
        await connection.commit()
        plans = Plans()
        driver: Connection[Any] = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment]  # SQLAlchemy cannot know
        driver.add_log_listener(plans.note)
        try:
            yield connection, plans
        finally:
            driver.remove_log_listener(plans.note)
            await connection.invalidate()


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for below in node.get("Plans", ()):
        yield from _walk(below)


def _seen(node: Node) -> int:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    once = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
    return int(once * node["Actual Loops"])
