"""`taskrail dead`."""

from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.dead import group_dead, list_dead
from db.reads.dead_filters import DeadFilters, Reason
from db.reads.one_dead import DeadJob, Letter
from ops.dead import asking, tables
from ops.dead.acting import Done, discarded, replayed
from ops.dead.reading import queried, read, the_one
from ops.dead.rehearsing import MOST_REHEARSED, rehearsed
from ops.dead.targets import MOST_AT_ONCE, Targets, require_named, targets
from ops.dead.telling import tell_done, tell_one, tell_rehearsed
from ops.loop import run
from ops.output import json_option, print_json
from ops.reading import Listing, after_option, limit_option
from ops.servers import servers
from settings import Settings

ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1, type=click.UUID)
parked_option = click.option(
    "--parked", is_flag=True, help="Instead: jobs that wait for a worker that knows their kind."
)
PAGE = (
    asking.any_reason,
    parked_option,
    asking.discarded_option,
    limit_option,
    after_option,
    json_option,
)
most_option = click.option(
    "--limit",
    type=click.IntRange(1, MOST_AT_ONCE),
    default=MOST_AT_ONCE,
    show_default=True,
    help="Of a group at most so many, the oldest first.",
)


def page_options(command: asking.CommandT) -> asking.CommandT:
    """What pages of the dead and of their groups are asked for with."""
    for option in reversed(PAGE):
        command = option(command)
    return asking.filter_options(command)


@click.group(cls=Listing)
def command() -> None:
    """List jobs that broke and bytes that nobody could read; replay or discard them."""


@command.command("list")
@page_options
def list_command(*, limit: int, after: str | None, as_json: bool, **given: Any) -> None:
    """List the dead, the latest first: buried jobs, and dead letters that are no tenant's."""
    page = read(_parked(given), lambda c, filters: list_dead(c, filters, limit=limit, after=after))
    if as_json:
        print_json({"dead": page.rows, "after": page.after})
    else:
        tables.draw_list(page)


@command.command("groups")
@page_options
def groups_command(*, limit: int, after: str | None, as_json: bool, **given: Any) -> None:
    """List the dead by what broke them: equal errors have one fingerprint."""
    page = read(_parked(given), lambda c, filters: group_dead(c, filters, limit=limit, after=after))
    if as_json:
        print_json({"groups": page.rows, "after": page.after})
    else:
        tables.draw_groups(page)


@command.command("show")
@click.argument("dead_id", metavar="ID", type=click.UUID)
@click.option("--tenant", metavar="SLUG", help="Whose, if several tenants have the id.")
@json_option
def show_command(dead_id: UUID, tenant: str | None, *, as_json: bool) -> None:
    """Show all that is kept of the job or dead letter ID, and what was done with it."""

    async def query(connection: AsyncConnection, filters: DeadFilters) -> DeadJob | Letter:
        return await the_one(connection, dead_id, filters.tenant_id)

    tell_one(read({"tenant": tenant}, query), as_json=as_json)


@command.command("replay")
@ids_argument
@asking.filter_options
@asking.reason_of_the_dead
@asking.discarded_option
@most_option
@asking.by_option
@click.option("--why", metavar="TEXT", help="For the record.")
@asking.dry_run_option
@json_option
def replay_command(ids: tuple[UUID, ...], *, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Have the jobs ID, or all with one --fingerprint, applied after what broke them is mended.

    They are accepted again under their ids, and workers take them up by themselves. With --dry-run
    each is applied in a transaction that is rolled back; its outcome and the rows that it would
    change are printed. Exit code 1 if one was left alone.
    """
    require_named(ids, given["fingerprint"])
    act = asking.act(given)
    if dry_run:
        given["limit"] = min(given["limit"], MOST_REHEARSED)
    with servers() as running:
        found = run(_targets(running.settings, ids, given))
        told = {"by": act.operator, "dry_run": dry_run, "has_more": found.has_more}
        if dry_run:
            tell_rehearsed(run(rehearsed(found.dead, running.settings)), told, as_json=as_json)
        else:
            done = run(replayed(found.dead, act, running.settings))
            tell_done(done, told, verb="replayed", as_json=as_json)


@command.command("discard")
@ids_argument
@asking.filter_options
@asking.reason_of_the_dead
@most_option
@asking.by_option
@click.option("--why", metavar="TEXT", required=True, help="For the record.")
@asking.dry_run_option
@json_option
def discard_command(ids: tuple[UUID, ...], *, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Put the jobs ID, or all with one --fingerprint, away: kept, but listed no longer.

    Their producers' answer stays: buried. Exit code 1 if one was left alone.
    """
    require_named(ids, given["fingerprint"])
    act = asking.act(given)
    with servers() as running:
        found = run(_targets(running.settings, ids, given))
        done = Done(found.dead) if dry_run else run(discarded(found.dead, act, running.settings))
    told = {"by": act.operator, "dry_run": dry_run, "has_more": found.has_more}
    tell_done(done, told, verb="discarded", as_json=as_json)


def _parked(given: dict[str, Any]) -> dict[str, Any]:
    if given["parked"] and given["reason"]:
        raise click.UsageError("--parked and --reason do not go together.")
    return given | {"reason": (Reason.PARKED,)} if given["parked"] else given


async def _targets(settings: Settings, ids: tuple[UUID, ...], given: dict[str, Any]) -> Targets:
    async def query(connection: AsyncConnection, filters: DeadFilters) -> Targets:
        return await targets(connection, ids, filters, given["limit"])

    return await queried(settings, given, query)
