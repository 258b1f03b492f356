"""When jobs arrive, and how late they were served."""

import random
from collections.abc import Sequence
from math import ceil


def poisson(rate: int, seconds: float) -> list[float]:
    """Moments, in seconds from the start, of independent arrivals; the same ones for everybody."""
    chance = random.Random(rate)  # noqa: S311 - no secret
    moments: list[float] = []
    moment = chance.expovariate(rate)
    while moment < seconds:
        moments.append(moment)
        moment += chance.expovariate(rate)
    return moments


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that so many percent do not exceed, rounded to hundredths."""
    ordered = sorted(values)
    return round(ordered[max(0, ceil(len(ordered) * percent / 100) - 1)], 2)
