"""`taskrail test`."""

import subprocess
import sys
from importlib.util import find_spec

import click

from ops.checkout import CHECKOUT
from ops.failure import CommandFailed

PYTEST_USAGE_ERROR = 4
IN_PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""In their own order: those that take longest have few tests in a file, and would come last."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(pytest_args: tuple[str, ...]) -> None:
    """Run the test suite; PYTEST_ARGS go to pytest.

    The tests start servers of their own and touch no others. Two processes share them, by file;
    -n 0 runs all in one, as --pdb wants it.
    """
    if find_spec("pytest") is None:
        raise CommandFailed(
            "No tests were run",
            "pytest is not installed in this environment",
            "run `./taskrail test`, which installs it, or `uv sync --group test`.",
        )
    run = subprocess.run(  # noqa: S603 - the operator's own arguments
        [sys.executable, "-m", "pytest", *IN_PARALLEL, *pytest_args],
        cwd=CHECKOUT,
        check=False,
    )
    if run.returncode:
        sys.exit(2 if run.returncode == PYTEST_USAGE_ERROR else 1)
