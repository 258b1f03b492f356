"""`taskrail agents`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.paging import Page
from db.reads.task_row import TaskRow
from db.reads.workers import WorkerRow, completions, list_workers
from jobs.entities import WorkerKind
from ops.cells import NOTHING, time
from ops.output import json_option, notice_more, print_json, print_table
from ops.reading import (
    Listing,
    after_option,
    its_worker,
    limit_option,
    read,
    tenant_option,
    words,
)
from ops.task_tables import draw_list

COLUMNS = ("handle", "name", "kind", "type", "holds", "room", "last seen", "tasks")
WEEK = timedelta(days=7)


@click.group(cls=Listing)
def command() -> None:
    """List who works for the tenant, or what one has completed."""


@command.command("list")
@click.option("--kind", type=words(WorkerKind), help="Only agents, or only humans.")
@limit_option
@after_option
@tenant_option
@json_option
def list_command(
    kind: str | None, limit: int, after: str | None, tenant: str, *, as_json: bool
) -> None:
    """List who works for the tenant, what each holds, and when each was seen last."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Page[WorkerRow]:
        wanted = None if kind is None else WorkerKind(kind)
        return await list_workers(connection, tenant_id, wanted, limit=limit, after=after)

    page = read(tenant, query)
    if as_json:
        print_json({"workers": page.rows, "after": page.after})
        return
    print_table("Workers", COLUMNS, map(_cells, page.rows))
    notice_more(page.after)


@command.command("completions")
@click.argument("worker", metavar="@HANDLE")
@limit_option
@after_option
@tenant_option
@json_option
def completions_command(worker: str, tenant: str, *, as_json: bool, **given: Any) -> None:
    """List what the worker @HANDLE has completed in the last week, the latest first."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Page[TaskRow]:
        worker_id = await its_worker(connection, tenant_id, worker)
        since = datetime.now(UTC) - WEEK
        return await completions(connection, tenant_id, worker_id, since, **given)

    page = read(tenant, query)
    if as_json:
        print_json({"tasks": page.rows, "after": page.after})
    else:
        draw_list(page)


def _cells(worker: WorkerRow) -> tuple[object, ...]:
    room = worker.max_concurrent_tasks
    return (
        worker.handle,
        worker.name,
        worker.kind if worker.deactivated_at is None else f"{worker.kind}, deactivated",
        worker.agent_type or NOTHING,
        worker.held_tasks,
        "any" if room is None else max(0, room - worker.held_tasks),
        time(worker.last_seen_at),
        "; ".join(held.title for held in worker.holds),
    )
