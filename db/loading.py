"""How rules get their rows: everything a batch refers to, locked in one global order.

One statement each, keys sorted: the jobs that others wait for, projects and their trees, workers,
members, tasks and their kin, leases, ready tasks; then the time. A later statement has a later
snapshot, so what a lock waited for is seen by the next one (READ COMMITTED).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from db.repositories.dispatch import Ask
from db.unit_of_work import UnitOfWork
from jobs.board import Board
from jobs.entities import Key, Task
from jobs.envelope import AnyJob
from jobs.refs import Refs

Keys = set[Key]
UNREAD = datetime.min.replace(tzinfo=UTC)
"""The board's time until the clock has been read; no rule runs before."""


@dataclass(slots=True)
class Wanted:
    """The refs of all jobs of a batch, as keys."""

    projects: Keys = field(default_factory=set)
    changed_projects: Keys = field(default_factory=set)
    workers: Keys = field(default_factory=set)
    changed_workers: Keys = field(default_factory=set)
    tasks: Keys = field(default_factory=set)
    parents: Keys = field(default_factory=set)
    children_of: Keys = field(default_factory=set)
    descendants_of: Keys = field(default_factory=set)
    slugs: set[tuple[UUID, str]] = field(default_factory=set)
    handles: set[tuple[UUID, str]] = field(default_factory=set)
    asks: dict[Key, int] = field(default_factory=dict)

    def add(self, job: AnyJob, refs: Refs) -> None:
        tenant = job.tenant_id
        if job.actor_id is not None:
            self.workers.add((tenant, job.actor_id))
        for name in (
            "projects", "changed_projects", "workers", "changed_workers", "tasks", "parents",
            "children_of", "descendants_of", "slugs", "handles",
        ):  # fmt: skip
            getattr(self, name).update((tenant, ref) for ref in getattr(refs, name))
        if refs.dispatch and job.actor_id is not None:
            asking = (tenant, job.actor_id)
            self.asks[asking] = self.asks.get(asking, 0) + refs.dispatch


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
        named = {(job.tenant_id, ref) for ref in (*refs.tasks, *refs.parents)}
        roots = ((job.tenant_id, ref) for ref in refs.descendants_of)
        below = {key for root in roots for key in self._below(root)}
        return not self.busy.isdisjoint(named | below)

    def _below(self, root: Key) -> Iterator[Key]:
        for child in self.board.children.get(root, ()):
            yield child
            yield from self._below(child)


async def load_board(uow: UnitOfWork, jobs: list[AnyJob], *, wait: bool) -> Loaded:
    """Locks and reads what `jobs` refer to. Without `wait` locked tasks are left out as busy."""
    wanted = Wanted()
    for job in jobs:
        wanted.add(job, job.payload.refs(job.actor_id))
    board = Board(now=UNREAD)
    settled = await _settled(uow, jobs)
    project_of = await _projects_of_tasks(uow, wanted)
    await _load_projects(uow, wanted, board)
    await _lock_trees(uow, wanted, project_of)
    await _load_workers(uow, wanted, board)
    await _load_members(uow, wanted, board)
    await _load_tasks(uow, wanted, board, project_of, wait=wait)
    await _load_kin(uow, wanted, board, project_of, wait=wait)
    await _load_leases(uow, wanted, board)
    await _load_candidates(uow, wanted, board)
    board.now = await uow.tenants.clock()
    return Loaded(board, {key for key in project_of if key not in board.tasks}, settled)


async def _settled(uow: UnitOfWork, jobs: list[AnyJob]) -> Keys:
    named = {(job.tenant_id, job_id) for job in jobs for job_id in job.after}
    return await uow.ledger.settled(named) if named else set()


async def _projects_of_tasks(uow: UnitOfWork, wanted: Wanted) -> dict[Key, UUID]:
    named = wanted.tasks | wanted.parents
    project_of = await uow.tasks.projects_of(named) if named else {}
    wanted.projects.update((tenant, project) for (tenant, _), project in project_of.items())
    return project_of


async def _load_projects(uow: UnitOfWork, wanted: Wanted, board: Board) -> None:
    if wanted.changed_projects:
        locked = await uow.projects.lock(wanted.changed_projects)
        board.projects.update((project.key, project) for project in locked)
    only_read = wanted.projects - wanted.changed_projects
    if only_read:
        read = await uow.projects.read(only_read)
        board.projects.update((project.key, project) for project in read)
    if wanted.slugs:
        board.slugs = await uow.projects.taken_slugs(wanted.slugs)


async def _lock_trees(uow: UnitOfWork, wanted: Wanted, project_of: dict[Key, UUID]) -> None:
    """Who cancels a subtree holds its tree alone; who hangs a task into it shares it."""
    exclusive = {(key[0], project_of[key]) for key in wanted.descendants_of if key in project_of}
    shared = {(key[0], project_of[key]) for key in wanted.parents if key in project_of}
    if exclusive or shared:
        await uow.trees.lock({key: key in exclusive for key in exclusive | shared})


async def _load_workers(uow: UnitOfWork, wanted: Wanted, board: Board) -> None:
    if wanted.changed_workers:
        locked = await uow.workers.lock(wanted.changed_workers)
        board.workers.update((worker.key, worker) for worker in locked)
        board.held = await uow.leases.held(wanted.changed_workers)
    only_read = wanted.workers - wanted.changed_workers
    if only_read:
        read = await uow.workers.read(only_read)
        board.workers.update((worker.key, worker) for worker in read)
    if wanted.handles:
        board.handles = await uow.workers.taken_handles(wanted.handles)


async def _load_members(uow: UnitOfWork, wanted: Wanted, board: Board) -> None:
    projects = wanted.projects | wanted.changed_projects
    workers = wanted.workers | wanted.changed_workers
    if projects and workers:
        members = await uow.members.load(projects, workers)
        board.members.update((member.key, member) for member in members)


async def _load_tasks(
    uow: UnitOfWork, wanted: Wanted, board: Board, project_of: dict[Key, UUID], *, wait: bool
) -> None:
    """Of tasks born since `project_of` was read nobody knows the project or its members."""
    if wanted.tasks:
        _put(board, await uow.tasks.lock(wanted.tasks & project_of.keys(), wait=wait))
    shared = wanted.parents - wanted.tasks
    if shared:
        _put(board, await uow.tasks.share(shared & project_of.keys(), wait=wait))


async def _load_kin(
    uow: UnitOfWork, wanted: Wanted, board: Board, project_of: dict[Key, UUID], *, wait: bool
) -> None:
    if wanted.parents:
        board.depths = await uow.trees.depths(wanted.parents)
    if wanted.children_of:
        board.children = await uow.trees.open_children(wanted.children_of)
    if wanted.descendants_of:
        below = await uow.trees.descendants(wanted.descendants_of)
        for parent, children in below.items():
            board.children.setdefault(parent, set()).update(children)
        kin = {key for children in below.values() for key in children} - board.tasks.keys()
        if kin:
            project_of.update(await uow.tasks.projects_of(kin))
            _put(board, await uow.tasks.lock(kin, wait=wait))


async def _load_leases(uow: UnitOfWork, wanted: Wanted, board: Board) -> None:
    if board.tasks:
        leases = await uow.leases.load(board.tasks.keys())
        board.leases.update((lease.key, lease) for lease in leases)
    named = [task for key, task in board.tasks.items() if key in wanted.tasks]
    assignees = {(task.tenant_id, task.assignee_id) for task in named if task.assignee_id}
    former = {
        (lease.tenant_id, lease.previous_assignee_id)
        for lease in board.leases.values()
        if lease.previous_assignee_id
    }
    unknown = (assignees | former) - board.workers.keys()
    if unknown:
        read = await uow.workers.read(unknown)
        board.workers.update((worker.key, worker) for worker in read)


async def _load_candidates(uow: UnitOfWork, wanted: Wanted, board: Board) -> None:
    """Two who ask may be offered the same tasks, and jobs of this batch may take some first.

    So each is offered as many as all ask for together, and as many as are on the board besides.
    A task that was named and not found is not let in here: its kin was read without it.
    """
    together = sum(wanted.asks.values()) + len(board.tasks)
    asking = [board.workers[key] for key in sorted(wanted.asks) if key in board.workers]
    asks = [Ask(worker, together) for worker in asking]
    if not asks:
        return
    named = wanted.tasks | wanted.parents
    for worker, tasks in (await uow.dispatch.candidates(asks)).items():
        known = [task for task in tasks if task.key in board.tasks or task.key not in named]
        _put(board, [task for task in known if task.key not in board.tasks])
        board.candidates[worker] = [task.key for task in known]


def _put(board: Board, tasks: list[Task]) -> None:
    board.tasks.update((task.key, task) for task in tasks)
