"""`taskrail down`."""

import click

from ops.embedded.supervisor import stop
from ops.failure import CommandFailed
from settings import load_settings


@click.command
def command() -> None:
    """Stop what `up` started on this data folder: workers, PostgreSQL and Valkey."""
    settings = load_settings()
    if not stop(settings):
        raise CommandFailed(
            "Nothing was stopped",
            f"nothing runs on {settings.data_dir}",
            "set TASKRAIL_DATA_DIR as for `up` if it runs on another folder.",
        )
    click.echo("Stopped.")
