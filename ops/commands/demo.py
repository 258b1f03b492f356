"""`taskrail demo`."""

import sys
from typing import Any

import click

from ops.demo.run import Result, perform
from ops.failure import CommandFailed
from ops.loop import run
from ops.output import json_option, print_json, print_table
from ops.servers import servers
from settings import load_settings


@click.command
@click.option("--jobs", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--yes", is_flag=True, help="Write to the server that TASKRAIL_DATABASE_URL names.")
@click.option(
    "--rogues",
    is_flag=True,
    help="Disturb the worker: hold rows, write at SERIALIZABLE, terminate its backends.",
)
@json_option
def command(jobs: int, *, yes: bool, rogues: bool, as_json: bool) -> None:
    """Watch humans and AI agents relaunch websites, in the tenant `demo`, until JOBS are settled.

    At the end every promise about the data is checked. Exit code 1 if one is broken or a job is
    lost. It can be repeated on one database.
    """
    settings = load_settings()
    if not (settings.embedded_postgres and settings.embedded_redis) and not yes:
        raise CommandFailed(
            "The demo did not start",
            "it would write to a server that is not taskrail's own",
            "add --yes, or unset TASKRAIL_DATABASE_URL and TASKRAIL_REDIS_URL.",
        )
    with servers() as running:
        result = run(perform(running.settings, jobs, with_rogues=rogues))
    if as_json:
        print_json(result.as_json())
    else:
        show(result)
    if not result.is_sound:
        sys.exit(1)


def show(result: Result) -> None:
    figures: dict[str, Any] = result.as_json()
    rows = [
        (kind, *(by_status.get(status, 0) for status in ("applied", "rejected", "buried")))
        for kind, by_status in figures["by_kind"].items()
    ]
    print_table("Jobs", ("kind", "applied", "rejected", "buried"), rows)
    if result.retries is not None:
        print_table("Tried again", ("SQLSTATE", "times"), result.retries.items())
    click.echo(
        "{accepted} accepted = {applied} applied + {rejected} rejected + {buried} buried, "
        "{jobs_per_second} jobs/s; {checks} checks found {violations} violations".format(**figures)
    )
