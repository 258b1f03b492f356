"""Projects, workers, and who belongs to what."""

from uuid import UUID

from db.loading.reading import Reading
from db.loading.wanted import Keys
from jobs.entities import Project


async def load_projects(reading: Reading) -> None:
    """All are read; locked are those that change, and those whose budget is spent from."""
    wanted, projects = reading.wanted, reading.uow.projects
    only_read = wanted.projects - wanted.changed_projects
    if only_read:
        _put_projects(reading, await projects.read(only_read))
    to_lock = wanted.changed_projects | _spent_from(reading)
    if to_lock:
        _put_projects(reading, await projects.lock(to_lock))
    # Again: those that change have been read by now, too.
    spent_from = _spent_from(reading)
    if spent_from:
        reading.board.spent = await projects.spent(spent_from)
    if wanted.leases_in:
        reading.board.leased = await reading.uow.leases.in_projects(wanted.leases_in)
    slugs = wanted.slugs | _slugs_to_come_back(reading)
    if slugs:
        reading.board.slugs = await projects.taken_slugs(slugs)


async def load_workers(reading: Reading) -> None:
    wanted, uow, board = reading.wanted, reading.uow, reading.board
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


async def load_members(reading: Reading) -> None:
    """Who goes is locked first: what the others hold of him they then wait for, or have."""
    wanted, members = reading.wanted, reading.uow.members
    if wanted.changed_members:
        await members.lock(wanted.changed_members)
    projects = wanted.projects | wanted.changed_projects
    workers = wanted.workers | wanted.changed_workers
    if projects and workers:
        loaded = await members.load(projects, workers)
        reading.board.members.update((member.key, member) for member in loaded)


async def load_people_of_tasks(reading: Reading) -> None:
    """Those to whom tasks belong, belonged, or may come back.

    Read without locks: who deactivates a worker or removes a member locks his tasks.
    """
    board = reading.board
    tasks = [*board.tasks.values(), *(t for below in board.templates.values() for t in below)]
    own = {(t.tenant_id, t.project_id, t.assignee_id) for t in tasks if t.assignee_id}
    former = {
        (lease.tenant_id, board.tasks[key].project_id, lease.previous_assignee_id)
        for key, lease in board.leases.items()
        if lease.previous_assignee_id
    }
    unknown = {(tenant, worker) for tenant, _, worker in own | former} - board.workers.keys()
    if unknown:
        read = await reading.uow.workers.read(unknown)
        board.workers.update((worker.key, worker) for worker in read)
    unread = (own | former) - board.members.keys()
    if unread:
        members = await reading.uow.members.read(unread)
        board.members.update((member.key, member) for member in members)


def _put_projects(reading: Reading, projects: list[Project]) -> None:
    reading.board.projects.update((project.key, project) for project in projects)


def _spent_from(reading: Reading) -> Keys:
    """The projects with a budget, of those that were read, in which usage is booked."""
    spending = reading.projects(reading.wanted.spending)
    read = (reading.board.projects[key] for key in spending & reading.board.projects.keys())
    return {project.key for project in read if project.budget is not None}


def _slugs_to_come_back(reading: Reading) -> set[tuple[UUID, str]]:
    """A deleted project that is restored needs its slug."""
    locked = (reading.board.projects.get(key) for key in reading.wanted.changed_projects)
    return {(p.tenant_id, p.slug) for p in locked if p is not None and p.deleted_at is not None}
