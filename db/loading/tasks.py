"""Tasks that jobs name or find, their trees, and their leases."""

from db.loading.reading import Reading
from db.loading.wanted import ALONE, Keys
from jobs.errors import JobConflict


async def find_projects(reading: Reading) -> None:
    """A task never changes its project, so this is read before anything is locked."""
    named = reading.wanted.named
    if named:
        reading.project_of = await reading.uow.tasks.projects_of(named)
        reading.existing = set(reading.project_of)
        reading.wanted.projects |= reading.projects(named)


async def lock_trees(reading: Reading) -> None:
    """Who changes edges or branches of a tree holds it alone; who needs it to hold still shares.

    Who leaves holds it alone, too: what comes back there has its assignee read under that lock.
    """
    wanted = reading.wanted
    reading.left = await _projects_left(reading)
    exclusive = reading.projects(wanted.alone) | reading.left
    exclusive |= {project for (project, _), job in wanted.bulk.items() if job.role in ALONE}
    shared = reading.projects(wanted.still) | {project for project, _ in wanted.bulk}
    if exclusive or shared:
        await reading.uow.trees.lock({key: key in exclusive for key in exclusive | shared})


async def _projects_left(reading: Reading) -> Keys:
    """The projects in which somebody's tasks are taken from him."""
    scopes = reading.wanted.tasks_of
    left = {(tenant, project) for tenant, project, _ in scopes if project is not None}
    everywhere = {(tenant, worker) for tenant, project, worker in scopes if project is None}
    if everywhere:
        left |= await reading.uow.members.projects_of(everywhere)
    return left


async def find_more(reading: Reading) -> None:
    """Tasks that no job names: what a worker has or had, and what bulk jobs may settle.

    Found when the worker, the members and the trees are locked, so that none is added meanwhile.
    """
    wanted, board, bulk = reading.wanted, reading.board, reading.uow.bulk
    if wanted.tasks_of:
        if await _projects_left(reading) - reading.left:
            raise JobConflict("who leaves was made a member of one more project meanwhile")
        board.tasks_of = await bulk.tasks_of(wanted.tasks_of)
        for found in board.tasks_of.values():
            _want(reading, found)
    for (project, what), job in sorted(wanted.bulk.items()):
        eligible = await bulk.eligible(project, what, job.limit)
        board.eligible[project, what] = eligible
        _want(reading, set(eligible.tasks))
        wanted.children_of.update(eligible.tasks)
        wanted.templates_of.update(eligible.tasks)
        wanted.roles.update((task, job.role) for task in eligible.tasks)


async def load_tasks(reading: Reading) -> None:
    """Of tasks born since their projects were read nobody knows the project or its members."""
    wanted, uow = reading.wanted, reading.uow
    if wanted.tasks:
        await reading.lock(wanted.tasks & reading.existing)
    shared = (wanted.parents | wanted.blockers) - wanted.tasks
    if shared:
        reading.put(await uow.tasks.share(shared & reading.existing, wait=reading.wait))


async def load_leases(reading: Reading) -> None:
    if reading.board.tasks:
        leases = await reading.uow.leases.load(reading.board.tasks.keys())
        reading.board.leases.update((lease.key, lease) for lease in leases)


def _want(reading: Reading, found: Keys) -> None:
    reading.wanted.tasks |= found
    reading.existing |= found
