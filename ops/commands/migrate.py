"""`taskrail migrate`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from db import migrate
from ops import preparation
from ops.engines import opened, patient
from ops.loop import run
from ops.output import json_option, print_json
from ops.servers import bare_servers
from settings import Settings


@click.group
def command() -> None:
    """Create, upgrade and check the database schema."""


@command.command("upgrade")
@click.argument("revision", default="head")
def upgrade_command(revision: str) -> None:
    """Bring the schema to REVISION, the newest if not given. Makes missing roles first."""
    with bare_servers() as running:
        run(preparation.migrate(running.settings, revision))
    click.echo(f"The schema is at {revision}.")


@command.command("downgrade")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do it; data of newer revisions is lost.")
def downgrade_command(revision: str, *, yes: bool) -> None:
    """Take the schema back to REVISION ("base": nothing is left)."""
    if not yes:
        raise click.UsageError("A downgrade loses data for good; add --yes to do it.")
    with bare_servers() as running:
        run(_downgrade(running.settings, revision))
    click.echo(f"The schema is at {revision}.")


@command.command("current")
@json_option
def current_command(*, as_json: bool) -> None:
    """Say where the schema stands. Exit code 1 if it is not the newest."""
    with bare_servers() as running:
        here = run(_current(running.settings))
    newest = migrate.head()
    if as_json:
        print_json({"current": here, "head": newest, "is_newest": here == newest})
    else:
        click.echo(f"The schema is at {here or 'nothing'}; the newest revision is {newest}.")
    if here != newest:
        sys.exit(1)


@command.command("check")
@json_option
def check_command(*, as_json: bool) -> None:
    """Compare the database with the models of this checkout. Exit code 1 if they differ."""
    with bare_servers() as running:
        difference = run(_check(running.settings))
    if as_json:
        print_json({"difference": difference})
    else:
        click.echo(difference or "The database is what the models say.")
    if difference is not None:
        sys.exit(1)


@command.command("roles")
def roles_command() -> None:
    """Make the roles; the login must be a superuser or have CREATEROLE. May be repeated."""
    with bare_servers() as running:
        run(preparation.make_roles(running.settings))
    click.echo("The roles are there, and this login is a member of each.")


@asynccontextmanager
async def _owner(settings: Settings) -> AsyncIterator[AsyncEngine]:
    async with opened(patient(settings), "owner") as owner:
        yield owner


async def _downgrade(settings: Settings, revision: str) -> None:
    async with _owner(settings) as owner:
        await migrate.downgrade(owner, revision)


async def _current(settings: Settings) -> str | None:
    async with _owner(settings) as owner:
        return await migrate.current(owner)


async def _check(settings: Settings) -> str | None:
    async with _owner(settings) as owner:
        return await migrate.check(owner)
