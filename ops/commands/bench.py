"""`taskrail bench`."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from ops.loop import run
from ops.output import json_option, print_json, print_table, steps

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RUN = "async def run("


def names() -> list[str]:
    """The modules of `benchmarks/` that can be run."""
    modules = sorted(BENCHMARKS.glob("[a-z]*.py"))
    return [module.stem for module in modules if RUN in module.read_text(encoding="utf-8")]


@click.command(epilog=f"Benchmarks: {', '.join(names()) or 'none in this checkout'}.")
@click.argument("name", type=click.Choice(names()))
@click.option("--smoke", is_flag=True, help="One short round, to see that it runs.")
@json_option
def command(name: str, *, smoke: bool, as_json: bool) -> None:
    """Run the benchmark NAME on servers of its own and print its figures."""
    benchmark = import_module(f"benchmarks.{name}")
    with steps(benchmark.ROUNDS) as step:
        figures: dict[str, Any] = run(benchmark.run(smoke=smoke, on_round=step))
    if as_json:
        print_json(figures)
    else:
        print_table(name, ("figure", "value"), figures.items())
