"""`taskrail bench`."""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import click

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
@json_option
def command(name: str, *, smoke: bool, peers: str | None, as_json: bool) -> None:
    """Run the benchmark NAME on servers of its own and print its figures."""
    benchmark = import_module(f"benchmarks.{name}")
    chosen = {} if peers is None else {"peers": _chosen(peers, benchmark)}
    with steps(benchmark.ROUNDS) as step:
        figures: dict[str, Any] = run(benchmark.run(smoke=smoke, on_round=step, **chosen))
    if as_json:
        print_json(figures)
    else:
        print_table(name, ("figure", "value"), _flat(figures))


def _chosen(peers: str, benchmark: ModuleType) -> list[str]:
    if "peers" not in inspect.signature(benchmark.run).parameters:
        raise click.BadOptionUsage("peers", "this benchmark has no peers")
    wanted = [] if peers == "none" else peers.split(",")
    if unknown := [peer for peer in wanted if peer not in benchmark.PEERS]:
        known = ", ".join(benchmark.PEERS)
        raise click.BadOptionUsage("peers", f"no such peer: {', '.join(unknown)}; known: {known}")
    return wanted


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """Nested figures by their whole names, with dots."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value
