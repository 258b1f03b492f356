"""How rules get their rows: everything a batch refers to, locked in one global order.

One statement each, keys sorted: the jobs that others wait for, projects and their trees, workers,
members, tasks and their kin, leases, ready tasks. A later statement has a later snapshot, so what a
lock waited for is seen by the next one (READ COMMITTED). The time is read after all of them.
"""

from dataclasses import dataclass, field

from db.loading.candidates import load_candidates
from db.loading.kin import load_kin
from db.loading.people import load_members, load_people_of_tasks, load_projects, load_workers
from db.loading.reading import Reading
from db.loading.tasks import find_more, find_projects, load_leases, load_tasks, lock_trees
from db.loading.wanted import Keys
from db.unit_of_work import UnitOfWork
from jobs.board import Board
from jobs.entities import Key
from jobs.envelope import AnyJob


@dataclass(slots=True)
class Loaded:
    """The board of a batch; `busy` are tasks that somebody else is changing right now.

    `settled`: jobs named in `after` that had ended before the first row was read.
    """

    board: Board
    busy: Keys
    settled: Keys = field(default_factory=set)

    def is_busy(self, job: AnyJob) -> bool:
        """Whether the job needs one of the busy tasks."""
        if not self.busy:
            return False
        refs = job.payload.refs(job.actor_id)
        named = {(job.tenant_id, ref) for ref in (*refs.tasks, *refs.parents, *refs.blockers)}
        acting = {(job.tenant_id, task_id) for task_id, _ in refs.roles}
        return not self.busy.isdisjoint(named | self._around(acting))

    def _around(self, acting: Keys) -> Keys:
        """All kin of these tasks, as far as they were read."""
        board, found, to_visit = self.board, set[Key](), list(acting)
        while to_visit:
            key = to_visit.pop()
            for table in (board.children, board.dependents, board.restorable):
                new = table.get(key, set()) - found
                found |= new
                to_visit.extend(new)
        return found


async def load_board(uow: UnitOfWork, jobs: list[AnyJob], *, wait: bool) -> Loaded:
    """Locks and reads what `jobs` refer to. Without `wait` locked tasks are left out as busy.

    Raises TooManyKin if they concern more tasks than one transaction should hold.
    """
    reading = Reading.of(uow, jobs, wait=wait)
    settled = await _settled(uow, jobs)
    await find_projects(reading)
    await load_projects(reading)
    await lock_trees(reading)
    await load_workers(reading)
    await load_members(reading)
    await find_more(reading)
    await load_tasks(reading)
    await load_kin(reading)
    await load_leases(reading)
    await load_people_of_tasks(reading)
    await load_candidates(reading)
    return Loaded(reading.board, reading.existing - reading.board.tasks.keys(), settled)


async def _settled(uow: UnitOfWork, jobs: list[AnyJob]) -> Keys:
    named = {(job.tenant_id, job_id) for job in jobs for job_id in job.after}
    return await uow.ledger.settled(named) if named else set()
