"""`taskrail bench`."""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from pydantic_core import from_json

from ops.checkout import CHECKOUT
from ops.loop import run
from ops.output import json_option, print_json, print_table, steps

BENCHMARKS = CHECKOUT / "benchmarks"
RUN = "async def run("


def names() -> list[str]:
    """The modules of `benchmarks/` that can be run."""
    modules = sorted(BENCHMARKS.glob("[a-z]*.py"))
    return [module.stem for module in modules if RUN in module.read_text(encoding="utf-8")]


@click.command(epilog=f"Benchmarks: {', '.join(names()) or 'none in this checkout'}.")
@click.argument("name", type=click.Choice(names()))
@click.option("--smoke", is_flag=True, help="One short round, to see that it runs.")
@click.option(
    "--peers",
    help="Other queues to run, as saq,pgqueuer or none; by default all, with --smoke none.",
)
@click.option(
    "--read",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Nothing is run: the figures are those that an earlier run printed with --json.",
)
@click.option(
    "--plot",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Draw the figures there, too, as SVG.",
)
@json_option
def command(
    name: str,
    *,
    smoke: bool,
    peers: str | None,
    read: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Run the benchmark NAME on servers of its own and print its figures."""
    draw = None if plot is None else _drawing(name)
    figures = _run(name, smoke=smoke, peers=peers) if read is None else from_json(read.read_bytes())
    if draw is not None:
        draw(name, figures, plot)
    if as_json:
        print_json(figures)
    else:
        print_table(name, ("figure", "value"), _flat(figures))


def _run(name: str, *, smoke: bool, peers: str | None) -> dict[str, Any]:
    benchmark = import_module(f"benchmarks.{name}")
    chosen = {} if peers is None else {"peers": _chosen(peers, benchmark)}
    with steps(benchmark.ROUNDS) as step:
        figures: dict[str, Any] = run(benchmark.run(smoke=smoke, on_round=step, **chosen))
    return figures


def _chosen(peers: str, benchmark: ModuleType) -> list[str]:
    if "peers" not in inspect.signature(benchmark.run).parameters:
        raise click.BadOptionUsage("peers", "this benchmark has no peers")
    wanted = [] if peers == "none" else peers.split(",")
    if unknown := [peer for peer in wanted if peer not in benchmark.PEERS]:
        known = ", ".join(benchmark.PEERS)
        raise click.BadOptionUsage("peers", f"no such peer: {', '.join(unknown)}; known: {known}")
    return wanted


def _drawing(name: str) -> Any:
    """What draws the figures, found before they are measured."""
    try:
        plots = import_module("benchmarks.plots")
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: uv sync --group benchmark") from error
    if name not in plots.DRAWN:
        raise click.BadOptionUsage("plot", f"drawn are {', '.join(plots.DRAWN)}")
    return plots.draw


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """Nested figures by their whole names, with dots; the innermost of them side by side."""
    for name, value in figures.items():
        if isinstance(value, Mapping) and any(isinstance(one, Mapping) for one in value.values()):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, Mapping):
            yield before + name, ", ".join(f"{inner} {one}" for inner, one in value.items())
        else:
            yield before + name, value
