"""`taskrail doctor`."""

import sys
from dataclasses import asdict

import click

from ops.doctor.run import examine
from ops.loop import run
from ops.output import json_option, print_json, print_table
from ops.servers import servers


@click.command
@json_option
def command(*, as_json: bool) -> None:
    """Check versions, servers, schema, roles, durability and clocks; say what to do.

    Exit code 1 if any finding is an error.
    """
    with servers() as running:
        findings = run(examine(running.settings))
    wrong = [finding for finding in findings if finding.level == "error"]
    if as_json:
        print_json({"errors": len(wrong), "findings": [asdict(finding) for finding in findings]})
    else:
        rows = [(f.level, f.subject, f.found, f.todo) for f in findings]
        print_table("Findings", ("", "subject", "found", "what to do"), rows)
    if wrong:
        sys.exit(1)
