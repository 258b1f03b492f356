"""Draws what `taskrail bench NAME` has found, for `--plot FOLDER`.

Those of docs/explanation/performance.md lie in docs/explanation/figures.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, THEIRS = "#0072b2", "#999999"
"""Blue and grey of Okabe and Ito's palette: told apart by everybody."""
Draw = Callable[[Axes, Mapping[str, Any]], None]


def throughput(axes: Axes, found: Mapping[str, Any]) -> None:
    """Real jobs of the product and of the baselines beside no-ops of the peers."""
    rates = {
        "taskrail": found["product"],
        "stock Arq + ORM": found["baseline"],
        "stock Arq + ORM, helped": found["helped_baseline"],
    }
    rates |= {f"{name} (no-op)": rate for name, rate in found["peers"].items()}
    ordered = sorted(rates.items(), key=lambda item: item[1])
    colours = [OURS if name == "taskrail" else THEIRS for name, _ in ordered]
    bars = axes.barh([name for name, _ in ordered], [rate for _, rate in ordered], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_xlabel("jobs per second, one worker process, medians of one run")


def latency(axes: Axes, found: Mapping[str, Any]) -> None:
    """The median and the 99th percentile at each rate."""
    contestants = {"taskrail": found["product"], **found["peers"]}
    for name, rates in contestants.items():
        at = [int(rate) for rate in rates]
        colour, width = (OURS, 2.5) if name == "taskrail" else (THEIRS, 1.0)
        axes.plot(at, [r["p50_ms"] for r in rates.values()], color=colour, linewidth=width)
        tail = [r["p99_ms"] for r in rates.values()]
        axes.plot(at, tail, color=colour, linewidth=width, linestyle="--")
        axes.annotate(
            name, (at[-1], tail[-1]), xytext=(4, 0), textcoords="offset points", fontsize=8
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("jobs per second")
    axes.set_ylabel("milliseconds: median, and 99th percentile (dashed)")


def growth(axes: Axes, found: Mapping[str, Any]) -> None:
    """Throughput by the number of rows that were there before."""
    sizes = [f"{int(size):,}" for size in found["rows"]]
    rates = [figures["throughput"] for figures in found["rows"].values()]
    bars = axes.bar(sizes, rates, color=OURS, width=0.5)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_xlabel("tasks, and as many ledger rows, in the database before")
    axes.set_ylabel("jobs per second")


def memory(axes: Axes, found: Mapping[str, Any]) -> None:
    """The worker's resident memory under load."""
    sizes = found["rss_mb"]
    axes.plot(range(len(sizes)), sizes, color=OURS)
    axes.set_ylim(0, max(sizes) * 1.3)
    axes.set_xlabel("looks, one every few seconds")
    axes.set_ylabel("resident megabytes of the worker")


DRAWN: dict[str, tuple[Draw, ...]] = {
    "throughput": (throughput,),
    "latency": (latency,),
    "growth": (growth, memory),
}
"""By benchmark."""


def draw(name: str, found: Mapping[str, Any], folder: Path) -> None:
    """An SVG file for each picture of the benchmark is in the folder; the same figures, the same.

    Raises KeyError if the figures are another benchmark's.
    """
    mpl.rcParams["svg.hashsalt"] = "taskrail"
    folder.mkdir(parents=True, exist_ok=True)
    for picture in DRAWN[name]:
        _save(folder / f"{picture.__name__}.svg", picture, found)


def _save(path: Path, draw: Draw, found: Mapping[str, Any]) -> None:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes, found)
    axes.margins(x=0.12)
    figure.savefig(path, metadata={"Date": None})
