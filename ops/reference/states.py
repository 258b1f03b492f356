"""The page of a task's states, from the table of transitions."""

from collections.abc import Iterator

from jobs.entities import OPEN, TaskStatus
from jobs.rules.transitions import TRANSITIONS
from ops.reference.prose import mermaid, page, prose, table


def states_page() -> str:
    return page(
        "States of a task",
        prose("introductions")["states"],
        mermaid(["stateDiagram-v2", *_diagram()]),
        "## What each state means",
        table(("status", "open", "meaning", "lease"), _meanings()),
        "## What leads from one to the next",
        table(("from", "to", "by", "when"), _ways()),
    )


def _diagram() -> Iterator[str]:
    yield f"    [*] --> {TaskStatus.PENDING} : create"
    for before, after in edges():
        kinds = (kind.removeprefix("task.") for kind in _way(before, after)["by"])
        yield f"    {before} --> {after} : {', '.join(kinds)}"


def edges() -> list[tuple[TaskStatus, TaskStatus]]:
    """The legal transitions, in the order of the states."""
    order = list(TaskStatus)
    return [(old, new) for old in order for new in sorted(TRANSITIONS[old], key=order.index)]


def _meanings() -> Iterator[tuple[str, ...]]:
    for status in TaskStatus:
        words = prose("states")["states"][status]
        yield f"`{status}`", "yes" if status in OPEN else "no", words["meaning"], words["lease"]


def _ways() -> Iterator[tuple[str, ...]]:
    for before, after in edges():
        way = _way(before, after)
        kinds = ", ".join(f"`{kind}`" for kind in way["by"])
        yield f"`{before}`", f"`{after}`", kinds, str(way.get("when", ""))


def _way(before: TaskStatus, after: TaskStatus) -> dict[str, list[str]]:
    way: dict[str, list[str]] = prose("states")["ways"][before][after]
    return way
