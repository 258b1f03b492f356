"""The command line. A command's module is imported when that command is asked for, not before."""

import sys
import traceback
from importlib import import_module

import click

from ops.collecting import collect_rarely
from ops.failure import CommandFailed, described
from ops.loop import end_on_sigterm

COMMANDS = {
    "up": "Run everything: servers, schema and workers.",
    "down": "Stop what `up` started.",
    "worker": "Apply jobs in this process.",
    "migrate": "Create, upgrade and check the database schema.",
    "tenants": "Create and list tenants.",
    "enqueue": "Send jobs, from a file or one by hand.",
    "outcome": "Say how a job ended.",
    "dead": "List what broke or nobody could read; replay or discard it.",
    "tasks": "List tasks, and show one with what surrounds it.",
    "projects": "List projects, or show one.",
    "agents": "List who works, and what each holds.",
    "events": "Follow what happens, and publish it again.",
    "demo": "Watch a fleet of agents work through a project.",
    "verify": "Check every promise about the data on the live database.",
    "doctor": "Check the installation and say what to do.",
    "bench": "Measure.",
    "chaos": "Break everything for a while, and check every promise.",
    "test": "Run the test suite.",
}
EPILOG = (
    "Without TASKRAIL_DATABASE_URL and TASKRAIL_REDIS_URL, taskrail runs its own PostgreSQL "
    "and Valkey. Exit codes: 0 done, 1 not done or not sound, 2 wrong usage."
)
VERBOSE = "taskrail.verbose"


def main() -> None:
    """Runs the command of this process's arguments and exits with its code."""
    end_on_sigterm()
    collect_rarely()
    taskrail.main(prog_name="taskrail")


class LazyGroup(click.Group):
    """Knows its commands by name; `--help` lists them without importing one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ops.commands.{cmd_name}").command
        command.short_help = COMMANDS[cmd_name]
        return _verbose(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, click.UsageError):
            raise
        except Exception as error:
            if ctx.meta.get(VERBOSE):
                traceback.print_exc(file=sys.stderr)
            raise error if isinstance(error, CommandFailed) else described(error) from error


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        ctx.meta[VERBOSE] = True


def _verbose_option() -> click.Option:
    return click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show tracebacks.",
    )


def _verbose(command: click.Command) -> click.Command:
    """The command and its sub-commands, each with -v."""
    if not any(parameter.name == "verbose" for parameter in command.params):
        command.params.append(_verbose_option())
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _verbose(below)
    return command


taskrail = LazyGroup(
    "taskrail",
    params=[_verbose_option()],
    help="Every accepted task job is applied to PostgreSQL exactly once, or refused with a reason.",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
