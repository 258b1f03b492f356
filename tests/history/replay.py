"""What a task was after each of its events, by the checker's own reading of the history."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

SNAPSHOT_SECONDS = 12.0
"""A transaction may have read so long before its time: it has waited for a lock meanwhile, or its
process was stopped. PostgreSQL ends those of a soak's workers when they take six statements of 2 s.
"""


class Told(Protocol):
    """What replaying needs of an event."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> float: ...
    @property
    def data(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """After event `seq`. No holder: nobody has it under a lease."""

    seq: int
    at: float
    status: str | None = None
    assignee: str | None = None
    holder: str | None = None
    token: int | None = None
    is_deleted: bool = False


def replay(events: Sequence[Told]) -> list[Moment]:
    """The moments of one task, in the order of its events."""
    life: list[Moment] = []
    for event in events:
        before = life[-1] if life else Moment(0, event.at)
        life.append(_after(before, event))
    return life


def at_version(life: Sequence[Moment], version: int) -> Moment | None:
    place = bisect_left(life, version, key=lambda moment: moment.seq)
    found = life[place] if place < len(life) else None
    return found if found is not None and found.seq == version else None


def around(life: Sequence[Moment], at: float) -> list[Moment | None]:
    """All that the task may have been for a job that was decided at that time.

    Rows are read before a batch takes its time, which is one for all its jobs. None: not there yet.
    """
    first = bisect_left(life, at - SNAPSHOT_SECONDS, key=lambda moment: moment.at)
    during = [moment for moment in life[first:] if moment.at <= at]
    return [life[first - 1] if first else None, *during]


def _after(before: Moment, event: Told) -> Moment:
    data = event.data
    lease = data.get("lease", ...)
    held = (before.holder, before.token)
    if lease is None:
        held = (None, None)
    elif lease is not ...:
        held = (lease["holder_id"], lease["token"])
    return Moment(
        seq=event.seq,
        at=event.at,
        status=data.get("status", before.status),
        assignee=data.get("assignee_id", before.assignee),
        holder=held[0],
        token=held[1],
        is_deleted=data["deleted_at"] is not None if "deleted_at" in data else before.is_deleted,
    )
