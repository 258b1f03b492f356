"""`taskrail up`."""

import asyncio
import signal
import sys

import click

from ops.embedded.supervisor import detach, supervisor_pid
from ops.failure import CommandFailed
from ops.loop import run
from ops.output import notice
from ops.preparation import await_prepared
from ops.processes import worker_processes
from ops.servers import servers
from settings import Settings, load_settings


@click.command
@click.option("--detach", "in_background", is_flag=True, help="Run in the background until `down`.")
def command(*, in_background: bool) -> None:
    """Run everything: servers, schema, the tenant `demo` and TASKRAIL_PROCESSES workers.

    Servers that a URL names are used as they are. Ctrl-C or SIGTERM stops all that was started.
    """
    settings = load_settings()
    _require_nothing_runs(settings)
    if in_background:
        _detach(settings)
    else:
        with servers() as running:
            run(_serve(running.settings))


def _require_nothing_runs(settings: Settings) -> None:
    if not (settings.embedded_postgres or settings.embedded_redis):
        return
    pid = supervisor_pid(settings)
    if pid is not None:
        raise CommandFailed(
            "Nothing was started",
            f"process {pid} runs the servers of {settings.data_dir}",
            "use them as they are, or stop them first: `taskrail down`.",
        )


def _detach(settings: Settings) -> None:
    if not settings.embedded_postgres:
        raise CommandFailed(
            "Nothing was started",
            "TASKRAIL_DATABASE_URL names a server, so only workers would run in the background",
            "let systemd or docker run `taskrail worker`.",
        )
    detach(settings, [sys.executable, "-m", "ops", "up"])
    run(await_prepared(settings))
    click.echo(f"Running; data and log are in {settings.data_dir}. `taskrail down` stops it.")


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(told, stopped.set)
    async with worker_processes(settings.processes):
        notice(f"{settings.processes} worker(s) run; Ctrl-C stops.")
        await stopped.wait()
    notice("Stopped.")
