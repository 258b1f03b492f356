"""`taskrail projects`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.activity import activity
from db.reads.paging import Page
from db.reads.projects import OneProject, ProjectRow, list_projects, one_project
from jobs.entities import Event, ProjectStatus
from ops.cells import NOTHING
from ops.output import json_option, notice_more, print_json, print_table
from ops.reading import (
    Listing,
    after_option,
    its_project,
    limit_option,
    no_project,
    read,
    tenant_option,
    words,
)
from ops.task_tables import draw_history

COLUMNS = ("slug", "name", "status", "owner", "completed", "tasks", "id")


@click.group(cls=Listing)
def command() -> None:
    """List projects, or show one with its members and counts."""


@command.command("list")
@click.option("--status", type=words(ProjectStatus), help="Only these.")
@limit_option
@after_option
@tenant_option
@json_option
def list_command(
    status: str | None, limit: int, after: str | None, tenant: str, *, as_json: bool
) -> None:
    """List the tenant's projects by slug."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Page[ProjectRow]:
        wanted = None if status is None else ProjectStatus(status)
        return await list_projects(connection, tenant_id, wanted, limit=limit, after=after)

    page = read(tenant, query)
    if as_json:
        print_json({"projects": page.rows, "after": page.after})
        return
    print_table("Projects", COLUMNS, map(_cells, page.rows))
    notice_more(page.after)


@command.command("show")
@click.argument("slug")
@tenant_option
@json_option
def show_command(slug: str, tenant: str, *, as_json: bool) -> None:
    """Show the project SLUG with its members and how many tasks it has of each status."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> OneProject | None:
        return await one_project(connection, tenant_id, slug)

    shown = read(tenant, query)
    if shown is None:
        raise no_project(slug)
    if as_json:
        print_json(shown)
        return
    print_table(shown.project.name, COLUMNS, [_cells(shown.project)])
    members = ((m.person.handle, m.person.name, m.person.kind, m.role) for m in shown.members)
    print_table("Members", ("handle", "name", "kind", "role"), members)
    print_table("Tasks", tuple(shown.counts), [tuple(shown.counts.values())])


@command.command("activity")
@click.argument("slug")
@click.option("--days", type=click.IntRange(1, 3_650), default=7, show_default=True)
@limit_option
@after_option
@tenant_option
@json_option
def activity_command(slug: str, tenant: str, *, as_json: bool, **given: Any) -> None:
    """Show what happened in the project SLUG in the last days, the latest first."""

    async def query(connection: AsyncConnection, tenant_id: UUID) -> Page[Event]:
        project_id = await its_project(connection, tenant_id, slug)
        since = datetime.now(UTC) - timedelta(days=given["days"])
        limits = {"limit": given["limit"], "after": given["after"]}
        return await activity(connection, tenant_id, project_id, since, **limits)

    page = read(tenant, query)
    if as_json:
        print_json({"events": page.rows, "after": page.after})
        return
    draw_history(page.rows)
    notice_more(page.after)


def _cells(project: ProjectRow) -> tuple[object, ...]:
    return (
        project.slug,
        project.name,
        project.status,
        project.owner or NOTHING,
        project.completed_count,
        project.task_count,
        project.id,
    )
