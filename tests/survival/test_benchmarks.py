"""Benchmarks run once in each test run, so that they cannot rot; the figures mean nothing."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic_core import from_json

from tests.survival.processes import CHECKOUT

KEYS = {
    "apply": {"orm", "one_by_one", "batched", "ratio"},
    "throughput": {
        *("product", "baseline", "ratio_to_baseline", "processes"),
        *("peers", "best_peer", "ratio_to_best_peer"),
        *("redis_round_trips_per_batch", "redis_round_trips_of_a_lone_job", "commits_per_job"),
    },
    "latency": {"product", "peers"},
    "limit": {"postgres", "redis", "product", "fraction_of_postgres"},
    "recovery": {"seconds", "worst"},
    "signing": {"write_us", "read_us", "bytes"},
    "growth": {"rows", "tenants", "backlog", "rss_mb", "ratio_at_most_rows"},
}


@pytest.mark.parametrize("name", KEYS)
async def test_a_benchmark_runs_and_says_its_figures(name: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", "bench", name, "--smoke", "--json"),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )

    output, _ = await process.communicate()

    figures = from_json(output)
    assert process.returncode == 0
    assert figures.keys() == KEYS[name]
    assert min(_numbers(figures)) > 0


def _numbers(figures: dict[str, Any]) -> Iterator[float]:
    """Of a smoke run, in which no peer takes part."""
    for value in figures.values():
        if isinstance(value, dict):
            yield from _numbers(value)
        elif isinstance(value, list):
            yield from value
        elif value is not None:
            yield value
