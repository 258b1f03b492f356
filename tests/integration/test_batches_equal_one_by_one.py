"""A batch is only a faster way to apply the same jobs one by one."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic_core import from_json, to_json

from jobs.board import Board
from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import DispatchTasks
from ops.verify.run import verify
from tests.databases import Database
from tests.engine import Engine
from tests.model.followed import BULK, Followed, Tenant
from tests.model.pictures import differences
from tests.model.rows import read_board
from worker.apply import apply, apply_one_by_one
from worker.runtime import Runtime

BATCHES, LARGEST = 20, 20
ASKED_FOR = {"due_at", "run_after"}
"""The times that jobs name; the others are those of their transactions."""


@pytest.mark.parametrize("seed", range(100, 104))
async def test_a_batch_does_what_its_jobs_do_one_by_one(
    database: Database, runtime: Runtime, seed: int
) -> None:
    """One by one they are applied in the order of effect: who was handed back comes later."""
    together = Followed(apply, runtime, database, seed, first=(*BULK, DispatchTasks))
    one_by_one = Tenant(apply_one_by_one, runtime, database)
    await one_by_one.engine.create_tenant(one_by_one.id)
    await _same(await together.begin(), one_by_one)

    for _ in range(BATCHES):
        batch = together.author.batch(1 + together.random.randrange(LARGEST))
        await _same(await together.settle(batch), one_by_one)
        if together.random.random() < 0.1:
            await together.expire_all()
            await one_by_one.expire_all()

    assert differences(await _everything(together), await _everything(one_by_one)) == []
    assert (await verify(database.engine("reader"))).violations == []


async def _same(settled: list[tuple[AnyJob, Any]], other: Tenant) -> None:
    """The other tenant's jobs of the same ids end in the same way."""
    jobs = [job.model_copy(update={"tenant_id": other.id}) for job, _ in settled]
    again = await other.settle(jobs)
    assert [_told(outcome) for _, outcome in again] == [_told(outcome) for _, outcome in settled]


def _told(outcome: Any) -> Any:
    """What producers are told, without the ends of leases."""
    told = from_json(to_json(outcome.as_json()))
    for task in (told.get("result") or {}).get("tasks", ()):
        del task["expires_at"]
    (told.get("result") or {}).pop("expires_at", None)
    return told


async def _everything(tenant: Tenant) -> dict[str, Any]:
    board = await read_board(tenant.engine.superuser, tenant.id)
    return _rows(board) | {"events": await _events(tenant.engine, tenant.id)}


def _rows(board: Board) -> dict[str, Any]:
    tables = ("projects", "workers", "members", "tasks", "leases", "dependencies", "tally")
    return {
        name: {key[1:]: _timeless(asdict(row)) for key, row in getattr(board, name).items()}
        for name in tables
    }


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    """Times of transactions only as far as they are there."""
    return {
        name: _question(value) if name == "question" else _seen(name, value)
        for name, value in row.items()
        if name != "tenant_id"
    }


def _seen(name: str, value: Any) -> Any:
    return True if isinstance(value, datetime) and name not in ASKED_FOR else value


def _question(question: dict[str, Any] | None) -> dict[str, Any] | None:
    return question and question | {"asked_at": True}


async def _events(engine: Engine, tenant_id: UUID) -> list[Any]:
    rows = await engine.execute(
        "SELECT entity_id, seq, kind, actor_id, actor_name, title, job_id"
        " FROM taskrail.event WHERE tenant_id = :tenant_id ORDER BY entity_id, seq",
        tenant_id=tenant_id,
    )
    return [tuple(row.values()) for row in rows]
