"""Batches are formed so that two at once never wait for each other's tasks.

What touches the same task, project, worker or id as a batch that is being applied stays where it
is, and so does all that touches what stays: about one thing the queue's order holds.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from jobs.codec import Poison, Request
from jobs.envelope import Job
from worker.holding import Entry

Ids = Iterable[UUID]
ABOUT_WORKERS = "worker."


@dataclass(slots=True)
class Touched:
    """What some jobs change, and what they only need to be as it is: ids, whatever they name."""

    changed: set[UUID] = field(default_factory=set)
    needed: set[UUID] = field(default_factory=set)

    def add(self, changed: Ids, needed: Ids) -> None:
        self.changed.update(changed)
        self.needed.update(needed)

    def is_clear_of(self, changed: Ids, needed: Ids) -> bool:
        return (
            self.changed.isdisjoint(changed)
            and self.changed.isdisjoint(needed)
            and self.needed.isdisjoint(changed)
        )


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
        ids = touched_by(entry.delivery.request)
        is_clear = behind.is_clear_of(*ids) and all(one.is_clear_of(*ids) for one in applying)
        if is_clear and len(batch.entries) < most:
            batch.entries.append(entry)
            batch.touched.add(*ids)
        else:
            others.append(entry)
            behind.add(*ids)
    return batch, others


def touched_by(request: Request) -> tuple[Ids, Ids]:
    """What is changed, and what needed. Who claims or is assigned is waited for, so only needed."""
    if isinstance(request, Poison):
        return (), ()
    if not isinstance(request, Job):
        return (request.id,), ()
    refs = request.payload.refs(request.actor_id)
    actor = () if request.actor_id is None else (request.actor_id,)
    changed = (request.id, *refs.tasks, *refs.changed_projects, *refs.moves)
    needed = (*request.after, *refs.projects, *refs.parents, *refs.blockers, *refs.workers, *actor)
    if request.kind.startswith(ABOUT_WORKERS):
        return (*changed, *refs.changed_workers), needed
    return changed, (*needed, *refs.changed_workers)
