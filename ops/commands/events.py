"""`taskrail events`."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

import click
from pydantic_core import to_json

from jobs.streaming import EventsLost, StreamedEvent, follow
from ops.engines import opened
from ops.failure import CommandFailed
from ops.loop import run
from ops.output import json_option, notice, print_json
from ops.queue import opened_queue
from ops.reading import tenant_option
from ops.republishing import Span, count, republish
from ops.servers import servers
from ops.tenants import find
from ops.times import TimeType
from settings import Settings

STREAM_ID = re.compile(r"0|\d{1,20}-\d{1,20}")


@click.group
def command() -> None:
    """Follow what happens to a tenant's tasks, and publish it again where Redis lost it."""


@command.command("tail")
@click.option("--after", metavar="ID", help="What came after this entry; 0: all that is kept.")
@click.option("--limit", type=click.IntRange(min=1), help="End after so many events.")
@tenant_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, as they come."
)
def tail_command(tenant: str, after: str | None, limit: int | None, *, as_json: bool) -> None:
    """Print events as they are published, until Ctrl-C; those from now on, or --after an entry.

    Exit code 1 if events behind --after are lost.
    """
    if after is not None and not STREAM_ID.fullmatch(after):
        raise click.UsageError("--after is the id of an entry, such as 1763892000000-0, or 0.")
    with servers() as running:
        run(_tail(running.settings, tenant, after, limit, as_json=as_json))


@command.command("republish")
@click.option("--since", type=TimeType(), required=True, help="What happened then or later.")
@click.option("--until", type=TimeType(), help="What happened before; before now, if not given.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@tenant_option
@json_option
def republish_command(
    tenant: str, since: datetime, until: datetime | None, *, dry_run: bool, as_json: bool
) -> None:
    """Publish a tenant's events again, from the history.

    Consumers know them by their keys. Those of one entity come in order.
    """
    with servers() as running:
        keeps = running.settings.stream_events
        events = run(_republish(running.settings, tenant, (since, until), dry_run=dry_run))
    if events > keeps:
        notice(f"The stream keeps about {keeps}; the older ones are in the history only.")
    if as_json:
        print_json({"tenant": tenant, "since": since, "events": events, "dry_run": dry_run})
    else:
        done = "would be" if dry_run else "were"
        click.echo(f"{events} events {done} published to tenant {tenant}.")


async def _tail(
    settings: Settings, tenant: str, after: str | None, limit: int | None, *, as_json: bool
) -> None:
    async with opened(settings, "reader") as reader, opened_queue(settings) as redis:
        tenant_id = await find(reader, tenant)
        async with aclosing(follow(redis, tenant_id, after)) as events:
            try:
                await _print(events, limit, as_json=as_json)
            except EventsLost as error:
                todo = f"read what is kept: --after {error.resume_after}; or publish again what is"
                raise CommandFailed(
                    f"Events after {error.after} are lost",
                    "the stream was trimmed, or Redis has lost it",
                    f"{todo} missing: `taskrail events republish --tenant {tenant} --since TIME`.",
                ) from None


async def _print(
    events: AsyncGenerator[StreamedEvent, None], limit: int | None, *, as_json: bool
) -> None:
    printed = 0
    async for event in events:
        click.echo(to_json(event) if as_json else _line(event))
        printed += 1
        if printed == limit:
            return


def _line(event: StreamedEvent) -> str:
    by = event.actor_name or "system"
    return (
        f"{event.stream_id}  {event.at.isoformat()}  {event.kind}  {event.key}  {by}: {event.title}"
    )


async def _republish(
    settings: Settings, tenant: str, time: tuple[datetime, datetime | None], *, dry_run: bool
) -> int:
    async with opened(settings, "reader") as reader:
        span = Span(await find(reader, tenant), *time)
        if dry_run:
            return await count(reader, span)
        async with opened_queue(settings) as redis:
            return await republish(reader, redis, span, keeps=settings.stream_events)
