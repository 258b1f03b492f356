"""What became different in a task between two points of its history, through whom and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.changes import own_columns
from jobs.entities import Event
from jobs.fold import TaskState, fold_task


@dataclass(frozen=True, slots=True)
class Changed:
    """`name`: a column, or one of `lease`, `comments` and `dependencies`."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """`events`: what happened after the older point, up to the newer one, oldest first."""

    old_version: int
    new_version: int
    changed: list[Changed]
    events: list[Event]


def difference(events: Sequence[Event], old_version: int, new_version: int) -> Difference:
    """How the task of version `new_version` differs from that of `old_version`.

    `events`: its history from the first event up to the later of the two. The new version may be
    the earlier one: then `old` and `new` are exchanged.
    """
    old, new = fold_task(events[:old_version]), fold_task(events[:new_version])
    first, last = sorted((old_version, new_version))
    return Difference(old_version, new_version, _changed(old, new), list(events[first:last]))


def reason(event: Event) -> str | None:
    """Why it was done, if the one who did it said so."""
    for told, key in (("note", "reason"), ("failure", "reason")):
        part = event.data.get(told)
        if isinstance(part, dict) and part.get(key) is not None:
            return str(part[key])
    return event.data.get("blocked_reason")


def _changed(old: TaskState, new: TaskState) -> list[Changed]:
    before, after = _values(old), _values(new)
    return [
        Changed(name, before[name], after[name]) for name in before if before[name] != after[name]
    ]


def _values(state: TaskState) -> dict[str, Any]:
    return own_columns(state.task) | {
        "lease": state.lease,
        "comments": state.comments,
        "dependencies": list(state.dependencies.values()),
    }
