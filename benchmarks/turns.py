"""Rounds: in each everybody is measured once, and each round begins with another."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

FigureT = TypeVar("FigureT")


async def taking_turns(
    contests: Mapping[str, Callable[[], Awaitable[FigureT]]],
    rounds: int,
    on_round: Callable[[str], None],
) -> dict[str, list[FigureT]]:
    """What everybody reached, by name, a figure a round."""
    reached: dict[str, list[FigureT]] = {name: [] for name in contests}
    names = list(contests)
    for number in range(rounds):
        first = number * max(1, len(names) // rounds) % len(names)
        for name in names[first:] + names[:first]:
            reached[name].append(await contests[name]())
        on_round(f"round {number + 1}")
    return reached
