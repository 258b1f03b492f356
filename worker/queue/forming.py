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
    """Entries that are applied together, and how many bytes their payloads have."""

    entries: list[Entry] = field(default_factory=list)
    touched: Touched = field(default_factory=Touched)
    size: int = 0

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.touched.add(*entry.touches)
        self.size += entry.size

    def has_room(self, entry: Entry, most_jobs: int, most_bytes: int) -> bool:
        """The first one always fits."""
        fits = self.size + entry.size <= most_bytes
        return not self.entries or (len(self.entries) < most_jobs and fits)


def formed(
    waiting: Sequence[Entry], applying: Collection[Touched], most_jobs: int, most_bytes: int
) -> tuple[Batch, list[Entry]]:
    """As many entries as there may be that touch nothing of `applying`; the others, in order."""
    batch, others, behind = Batch(), list[Entry](), Touched()
    for entry in waiting:
        ids = entry.touches
        is_clear = behind.is_clear_of(*ids) and all(one.is_clear_of(*ids) for one in applying)
        if is_clear and batch.has_room(entry, most_jobs, most_bytes):
            batch.add(entry)
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
