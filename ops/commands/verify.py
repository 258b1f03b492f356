"""`taskrail verify`."""

import sys
from dataclasses import asdict

import click

from ops.engines import opened, patient
from ops.loop import run
from ops.output import json_option, print_json, print_table, steps
from ops.servers import servers
from ops.verify.run import CHECKS, Report, verify
from settings import Settings


@click.command
@json_option
def command(*, as_json: bool) -> None:
    """Check every promise about the data on the live database.

    Rows must equal their history, the history must be whole and legal, counters must be right, and
    nothing may point into another tenant. One snapshot is read; work goes on meanwhile. Exit code 1
    if anything is found.
    """
    with servers() as running:
        report = run(_verify(running.settings))
    if as_json:
        print_json(asdict(report))
    else:
        show(report)
    if report.violations:
        sys.exit(1)


def show(report: Report) -> None:
    if report.violations:
        rows = [(v.check, v.tenant, v.entity, v.id, v.detail) for v in report.violations]
        print_table("Violations", ("check", "tenant", "entity", "id", "detail"), rows)
    click.echo(f"{report.checks} checks, {len(report.violations)} violations")


async def _verify(settings: Settings) -> Report:
    async with opened(patient(settings), "reader") as reader:
        with steps(len(CHECKS)) as step:
            return await verify(reader, step)
