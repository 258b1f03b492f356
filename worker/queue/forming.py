"""Batches are formed so that two at once never wait for each other's tasks.

What touches the same task, project, worker or id as a batch that is being applied stays where it
is, and so does all that touches what stays: about one thing the queue's order holds.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from jobs.codec import Poison
from jobs.envelope import Job
from worker.queue.holding import Entry
from worker.queue.touched import Touched


@dataclass(slots=True)
class Batch:
    """Entries that are applied together."""

    entries: list[Entry] = field(default_factory=list)
    touched: Touched = field(default_factory=Touched)


def formed(
    waiting: Sequence[Entry], applying: Collection[Touched], most: int
) -> tuple[Batch, list[Entry]]:
    """At most `most` entries that touch nothing of `applying`; and the others, in order."""
    batch, others, behind = Batch(), list[Entry](), Touched()
    for entry in waiting:
        ids = entry.touches
        is_clear = behind.is_clear_of(*ids) and all(one.is_clear_of(*ids) for one in applying)
        if is_clear and len(batch.entries) < most:
            batch.entries.append(entry)
            batch.touched.add(*ids)
        else:
            others.append(entry)
            behind.add(*ids)
    return batch, others


def id_of(entry: Entry) -> UUID | None:
    request = entry.delivery.request
    return None if isinstance(request, Poison) else request.id


def named_after(entries: Iterable[Entry]) -> set[UUID]:
    """The jobs that these wait for."""
    requests = (entry.delivery.request for entry in entries)
    return {job_id for one in requests if isinstance(one, Job) for job_id in one.after}
