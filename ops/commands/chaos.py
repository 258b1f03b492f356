"""`taskrail chaos`."""

import sys
from collections import Counter
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from ops.failure import CommandFailed
from ops.loop import run
from ops.output import json_option, print_json, print_table, steps

SOAK = "tests.history.soak"


@click.command
@click.option("--seconds", type=click.FloatRange(5, 3600), default=60.0, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@json_option
def command(*, seconds: float, seed: int, as_json: bool) -> None:
    """Break everything for a while on servers of its own, heal, and check every promise.

    Workers are killed and stopped, PostgreSQL and Redis crash and forget, the network is cut, jobs
    come twice and in disorder; then all that was accepted must be settled, once, as the history
    says. The same seed gives the same schedule of faults. Exit code 1 if a promise was broken.
    """
    if find_spec("tests") is None:
        raise CommandFailed(
            "Nothing was broken", "the tests are not here", "run it in a checkout of taskrail."
        )
    soak = import_module(SOAK)
    with steps(soak.STEPS) as step:
        report = run(soak.run(seconds, seed, step))
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)
    if not report.is_sound:
        sys.exit(1)


def _show(report: Any) -> None:
    figures = asdict(report)
    faults, violations = figures.pop("faults"), figures.pop("violations")
    print_table("Faults", ("fault", "times"), sorted(faults.items()))
    print_table("Chaos", ("figure", "value"), figures.items())
    if violations:
        rows = [(v["invariant"], v["subject"], v["detail"]) for v in violations]
        print_table("Violations", ("promise", "whose", "what"), rows)
    found = Counter(violation["invariant"] for violation in violations)
    click.echo(f"{sum(faults.values())} faults, {sum(found.values())} violations")
