"""`taskrail tenants`."""

import re

import click

from ops.engines import opened
from ops.failure import CommandFailed
from ops.loop import run
from ops.output import json_option, print_json, print_table
from ops.servers import servers
from ops.tenants import Tenant, create, find_all
from settings import Settings

SLUG = re.compile(r"[a-z0-9-]{1,63}")


@click.group
def command() -> None:
    """Create and list tenants."""


@command.command("create")
@click.argument("slug")
@click.option("--name", help="What people call it; the slug if not given.")
@json_option
def create_command(slug: str, name: str | None, *, as_json: bool) -> None:
    """Create the tenant SLUG."""
    if not SLUG.fullmatch(slug):
        raise click.UsageError("A slug has 1 to 63 characters of a-z, 0-9 and hyphens.")
    with servers() as running:
        tenant = run(_create(running.settings, slug, name or slug))
    if as_json:
        print_json(tenant)
    else:
        click.echo(f"Tenant {tenant.slug} has the id {tenant.id}.")


@command.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List all tenants."""
    with servers() as running:
        tenants = run(_list(running.settings))
    if as_json:
        print_json({"tenants": tenants})
        return
    columns = ("slug", "name", "id", "created", "suspended")
    rows = [(t.slug, t.name, t.id, t.created_at, t.suspended_at or "no") for t in tenants]
    print_table("Tenants", columns, rows)


async def _create(settings: Settings, slug: str, name: str) -> Tenant:
    async with opened(settings, "owner") as owner:
        tenant = await create(owner, slug, name)
    if tenant is None:
        raise CommandFailed(
            f"Tenant {slug} was not created",
            "it exists",
            "choose another slug, or use it as it is.",
        )
    return tenant


async def _list(settings: Settings) -> list[Tenant]:
    async with opened(settings, "reader") as reader:
        return await find_all(reader)
