"""What can be said about the dead on the command line, and what it means."""

import getpass
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from db.reads.dead_filters import DEAD, DeadFilters, Reason
from db.repositories.interventions import Act
from jobs.codec import KIND
from ops.reading import words
from ops.tenants import find
from ops.times import TimeType

MAX_NAME, MAX_WHY = 200, 500
FINGERPRINT = re.compile("[0-9a-f]{16}")

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class Matching(click.ParamType[str]):
    """Text of a pattern."""

    def __init__(self, name: str, pattern: re.Pattern[str], example: str) -> None:
        self.name = name
        self._pattern = pattern
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._pattern.fullmatch(value):
            self.fail(f"{value!r} is no {self.name}; one looks like {self._example}.", param, ctx)
        return str(value)


FILTERS = (
    click.option("--tenant", metavar="SLUG", help="Of this tenant; of all if not given."),
    click.option("--kind", type=Matching("kind", KIND, "task.complete"), help="Jobs of this kind."),
    click.option(
        "--fingerprint",
        type=Matching("fingerprint", FINGERPRINT, "0f3a9c1be27d4458"),
        help="With this error; `dead groups` shows all fingerprints.",
    ),
    click.option(
        "--since", type=TimeType(), help="Dead since then, with offset: 2026-11-23T09:00Z."
    ),
    click.option("--until", type=TimeType(), help="Dead before then."),
)
any_reason = click.option("--reason", type=words(Reason), multiple=True, help="Any of these.")
reason_of_the_dead = click.option(
    "--reason",
    type=click.Choice([reason.value for reason in DEAD]),
    multiple=True,
    help="Any of these. What is parked comes back by itself.",
)
discarded_option = click.option("--discarded", is_flag=True, help="Discarded ones, too.")
by_option = click.option(
    "--by", metavar="NAME", help="Who does it, for the record; the login's name if not given."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Change nothing, say what would be.")


def filter_options(command: CommandT) -> CommandT:
    """The filters that all commands have."""
    for option in reversed(FILTERS):
        command = option(command)
    return command


async def filters(reader: AsyncEngine, given: dict[str, Any]) -> DeadFilters:
    """What the options ask for; a tenant that does not exist ends the command."""
    since, until = given.get("since"), given.get("until")
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since must be before --until.")
    tenant = given["tenant"]
    return DeadFilters(
        reasons=tuple(map(Reason, given.get("reason", ()))) or DEAD,
        tenant_id=None if tenant is None else await find(reader, tenant),
        kind=given.get("kind"),
        fingerprint=given.get("fingerprint"),
        since=since,
        until=until,
        with_discarded=given.get("discarded", False),
    )


def act(given: dict[str, Any]) -> Act:
    """Who acts and why. Raises UsageError if that cannot be recorded."""
    operator, why = given["by"] or _login(), given["why"]
    if not operator.isprintable() or not 1 <= len(operator.strip()) <= MAX_NAME:
        raise click.UsageError(f"--by takes a name of 1 to {MAX_NAME} printable characters.")
    if why is not None and (not why.isprintable() or not 1 <= len(why.strip()) <= MAX_WHY):
        raise click.UsageError(f"--why takes one line of 1 to {MAX_WHY} printable characters.")
    return Act(operator.strip(), why and why.strip(), given.get("discarded", False))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise click.UsageError("This login has no name: say who you are with --by.") from None
