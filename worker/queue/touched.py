"""What a job touches, as far as its payload says: so that two batches keep apart."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from jobs.codec import Poison, Request
from jobs.envelope import Job

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
