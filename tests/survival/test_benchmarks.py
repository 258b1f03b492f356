"""Benchmarks run once in each test run, so that they cannot rot; the figures mean nothing."""

from benchmarks import apply, throughput


async def test_the_apply_benchmark_measures_three_ways() -> None:
    figures = await apply.run(smoke=True)

    assert figures.keys() == {"orm", "one_by_one", "batched", "ratio"}
    assert min(figures.values()) > 0


async def test_the_throughput_benchmark_measures_stock_arq_and_the_product() -> None:
    figures = await throughput.run(smoke=True)

    assert figures.keys() == {"baseline", "product", "ratio_to_baseline"}
    assert min(figures.values()) > 0
