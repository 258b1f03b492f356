"""`taskrail worker`."""

import click

from ops.loop import run
from ops.servers import servers
from ops.working import work


@click.command
@click.option("--burst", is_flag=True, help="End when the queue is empty.")
def command(*, burst: bool) -> None:
    """Apply jobs in this process until it is told to stop.

    SIGTERM and Ctrl-C finish the batch at hand and give the rest back; a second one is not needed.
    """
    with servers() as running:
        run(work(running.settings, burst=burst))
