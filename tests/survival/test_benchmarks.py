"""Benchmarks run once in each test run, so that they cannot rot; the figures mean nothing."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from ops.checkout import CHECKOUT

LONGEST_SECONDS = 400
"""Whatever else the machine does."""
COMMITTED = {"p50_ms", "p95_ms", "p99_ms"}
KNOWN = {"outcome_p50_ms", "outcome_p95_ms", "outcome_p99_ms"}
SPENT = {"cpu_us", "wall_us"}
TURN = {"throughput", "p50_ms", "p99_ms", "rss_mb"}
ROWS = {*TURN, "ratio", "least_ratio", "most_ratio"}
IDLE = {"cpu_seconds_per_second", "redis_trips_per_second", "consumers_that_take"}
PARTS = {
    *("take and decode", "recognise", "lock and load", "read the time", "read the ledger"),
    *("decide", "save", "commit", "settle", "rest", "all"),
}
KEYS: dict[str, dict[str, set[str]]] = {
    "apply": {"": {"orm", "one_by_one", "batched", "ratio"}},
    "throughput": {
        "": {
            *("product", "processes", "peers", "best_peer", "ratio_to_best_peer"),
            *("baseline", "ratio_to_baseline", "helped_baseline", "ratio_to_helped_baseline"),
            *("redis_round_trips_per_batch", "redis_round_trips_of_a_lone_job", "commits_per_job"),
        },
        "processes": {"1", "2", "4"},
    },
    "latency": {
        "": {"product", "peers"},
        "product": {"10", "100", "500"},
        **{f"product.{rate}": COMMITTED | KNOWN for rate in (10, 100, 500)},
    },
    "limit": {"": {"postgres", "redis", "product", "fraction_of_postgres", "redis_busy"}},
    "recovery": {"": {"seconds", "worst"}},
    "signing": {
        "": {"write_us", "read_us", "bytes"},
        "write_us": {"plain", "signed"},
        "read_us": {"plain", "ignored", "verified"},
    },
    "growth": {
        "": {"rows", "tenants", "backlog", "rss_mb", "ratio_at_most_rows"},
        "rows": {"0", "10000"},
        "rows.0": ROWS | {"beside_nothing"},
        "rows.10000.beside_nothing": TURN,
        "tenants": {"1", "50"},
        "backlog": {
            *("jobs", "enqueued_per_second", "throughput", "measured_seconds", "left", "rss_mb")
        },
    },
    "idle": {"": {"1", "4"}, "1": IDLE, "4": IDLE},
    "profile": {
        "": {"batch", "lone"},
        "batch": {"parts", "statements"},
        "lone.parts": PARTS,
        "lone.parts.lock and load": SPENT,
        "batch.statements.1": {"calls", "rows", "mean_ms"},
    },
}
"""By benchmark and by where they stand in it."""
MAY_BE_NONE = {"left", "rows"}
"""Jobs that are left of a backlog, rows that a statement finds."""

BARELY = {"p50_ms": 1.5, "p99_ms": 9.0}
SMALL = {
    "throughput": {
        "product": 3000.0,
        "baseline": 150.0,
        "helped_baseline": 200.0,
        "peers": {"saq": 2500.0},
    },
    "latency": {"product": {"10": BARELY, "100": BARELY}, "peers": {"saq": {"10": BARELY}}},
    "growth": {"rows": {"0": {"throughput": 3000.0}}, "rss_mb": [100.0, 101.0]},
}
PICTURES = {
    "throughput": {"throughput.svg"},
    "latency": {"latency.svg"},
    "growth": {"growth.svg", "memory.svg"},
}


@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize("name", KEYS)
async def test_a_benchmark_runs_and_says_its_figures(name: str) -> None:
    figures = await bench(name, "--smoke")

    found = {place: set(_at(figures, place)) for place in KEYS[name]}
    assert found == KEYS[name]
    assert [place for place, value in _numbers(figures) if value <= 0] == []


@pytest.mark.parametrize("name", SMALL)
async def test_figures_of_an_earlier_run_are_drawn(name: str, tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_bytes(to_json(SMALL[name]))
    pictures = tmp_path / "pictures"

    printed = await bench(name, "--read", f"{tmp_path / 'figures.json'}", "--plot", f"{pictures}")

    drawn = {path.name: path.read_text() for path in pictures.iterdir()}
    assert printed == SMALL[name]
    assert drawn.keys() == PICTURES[name]
    assert all("<svg" in picture for picture in drawn.values())


async def test_what_is_never_drawn_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="drawn are throughput, latency, growth"):
        await bench("recovery", "--plot", str(tmp_path))


async def bench(*arguments: str) -> dict[str, Any]:
    """The figures that it printed. AssertionError says what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", "bench", *arguments, "--json"),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    figures: dict[str, Any] = from_json(output)
    return figures


def _at(figures: dict[str, Any], place: str) -> dict[str, Any]:
    """What stands there; the last name may be the beginning of one."""
    for name in place.split(".") if place else ():
        known = (
            [name] if name in figures else [key for key in figures if key.startswith(f"{name}.")]
        )
        figures = figures[known[0]]
    return figures


def _numbers(figures: dict[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """Those that cannot be nought, of a smoke run, in which no peer takes part."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield from ((before + name, one) for one in value)
        elif value is not None and name not in MAY_BE_NONE:
            yield before + name, value
