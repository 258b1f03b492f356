"""`taskrail projects`."""

from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.paging import Page
from db.reads.projects import OneProject, ProjectRow, list_projects, one_project
from jobs.entities import ProjectStatus
from ops.output import json_option, notice, print_json, print_table
from ops.reading import after_option, limit_option, no_project, read, tenant_option, words

COLUMNS = ("slug", "name", "status", "owner", "completed", "tasks", "id")
GROUPS_OWN = {"-h", "--help", "-v", "--verbose"}


class Listing(click.Group):
    """Its `list` is what it does when it is not told what to do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_untold = not args or (args[0].startswith("-") and args[0] not in GROUPS_OWN)
        return super().parse_args(ctx, ["list", *args] if is_untold else args)


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
    if page.after is not None:
        notice(f"There are more: --after {page.after}")


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


def _cells(project: ProjectRow) -> tuple[object, ...]:
    return (
        project.slug,
        project.name,
        project.status,
        project.owner or "-",
        project.completed_count,
        project.task_count,
        project.id,
    )
