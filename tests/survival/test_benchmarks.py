"""Benchmarks run once in each test run, so that they cannot rot; the figures mean nothing."""

import asyncio
import sys

import pytest
from pydantic_core import from_json

from tests.survival.processes import CHECKOUT

KEYS = {
    "apply": {"orm", "one_by_one", "batched", "ratio"},
    "throughput": {"baseline", "product", "ratio_to_baseline"},
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
    assert min(figures.values()) > 0
