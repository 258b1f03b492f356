"""Drives `apply` in tests, and looks behind its back as the superuser."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import from_json, to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.codec import Request
from jobs.envelope import SYSTEM_KINDS, Job
from tests.asking import Cast
from tests.databases import Database
from worker.apply import apply, apply_one_by_one
from worker.deliveries import Delivery, Disposition, Settled
from worker.runtime import Runtime

Apply = Callable[[Sequence[Delivery], Runtime], Awaitable[list[Disposition]]]


class Engine:
    """`apply` in one of its forms on one database."""

    def __init__(self, form: Apply, runtime: Runtime, superuser: AsyncEngine) -> None:
        self._form = form
        self.runtime = runtime
        self.superuser = superuser

    async def apply(self, requests: Sequence[Request]) -> list[Disposition]:
        """System jobs come from the loops, so they are trusted."""
        deliveries = [
            Delivery(f"entry-{n}", request, trusted=_is_the_systems(request))
            for n, request in enumerate(requests)
        ]
        return await self._form(deliveries, self.runtime)

    async def outcomes(self, requests: Sequence[Request]) -> list[dict[str, Any]]:
        """What producers are told, as JSON; every request must be settled."""
        dispositions = await self.apply(requests)
        settled = [d for d in dispositions if isinstance(d, Settled)]
        assert len(settled) == len(dispositions), dispositions
        return [from_json(to_json(d.outcome.as_json())) for d in settled]

    async def statuses(self, requests: Sequence[Request]) -> list[str]:
        """`applied`, `rejected`, `buried`, or the disposition's name in lower case."""
        return [
            d.outcome.status if isinstance(d, Settled) else type(d).__name__.lower()
            for d in await self.apply(requests)
        ]

    async def create_tenant(self, tenant_id: UUID) -> None:
        await self.execute(
            "INSERT INTO taskrail.tenant (id, slug, name) VALUES (:id, :slug, 'Test')",
            id=tenant_id,
            slug=f"tenant-{tenant_id.hex[-12:]}",
        )

    async def record(self, jobs: Sequence[Any]) -> None:
        """Accepts jobs the durable way, by the SQL function."""
        envelopes = [job.model_dump(mode="json", exclude_unset=True) for job in jobs]
        await self.execute(
            "SELECT * FROM taskrail.record(CAST(:envelopes AS jsonb))",
            envelopes=to_json(envelopes).decode(),
        )

    async def age_ledger(self, tenant_id: UUID, *, seconds: int) -> None:
        """Makes the tenant's accepted jobs older than they are."""
        await self.execute(
            "UPDATE taskrail.job SET accepted_at = accepted_at - make_interval(secs => :seconds)"
            " WHERE tenant_id = :tenant_id AND status = 'accepted'",
            tenant_id=tenant_id,
            seconds=seconds,
        )

    async def row(self, table: str, tenant_id: UUID, row_id: UUID | str) -> dict[str, Any]:
        key = "task_id" if table == "lease" else "id"
        rows = await self.execute(
            f"SELECT * FROM taskrail.{table} WHERE tenant_id = :tenant_id AND {key} = :id",  # noqa: S608
            tenant_id=tenant_id,
            id=UUID(str(row_id)),
        )
        assert len(rows) == 1, f"{len(rows)} rows"
        return rows[0]

    async def count(self, table: str, tenant_id: UUID, condition: str = "true") -> int:
        rows = await self.execute(
            f"SELECT count(*) AS number FROM taskrail.{table}"  # noqa: S608
            f" WHERE tenant_id = :tenant_id AND {condition}",
            tenant_id=tenant_id,
        )
        return int(rows[0]["number"])

    async def last_dead_letter(self) -> dict[str, Any]:
        rows = await self.execute("SELECT * FROM taskrail.dead_letter ORDER BY id DESC LIMIT 1")
        return rows[0]

    async def execute(self, statement: str, **binds: Any) -> list[dict[str, Any]]:
        """Any statement, as the superuser, committed."""
        async with self.superuser.begin() as connection:
            result = await connection.execute(text(statement), binds)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []


def _is_the_systems(request: Request) -> bool:
    return isinstance(request, Job) and request.kind in SYSTEM_KINDS


@pytest.fixture(params=[apply, apply_one_by_one])
def engine_form(request: pytest.FixtureRequest) -> Apply:
    """The batch, and the slow obvious form that it is tested against."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def engine(engine_form: Apply, runtime: Runtime, database: Database) -> Engine:
    return Engine(engine_form, runtime, database.superuser)


@pytest.fixture
async def batch_engine(runtime: Runtime, database: Database) -> Engine:
    """`apply` alone, for modules that try something else: they say `engine = batch_engine`."""
    return Engine(apply, runtime, database.superuser)


@pytest.fixture
async def cast(engine: Engine) -> Cast:
    """A tenant whose people are at work."""
    people = Cast()
    await engine.create_tenant(people.tenant_id)
    assert await engine.statuses(people.setting_up()) == ["applied"] * 6
    return people
