"""Whom the jobs concern beside the tasks they name."""

from db.loading.reading import Reading
from db.loading.wanted import Keys
from jobs.entities import Dependency, Task
from jobs.errors import TooManyKin

MAX_KIN = 10_000
"""Tasks around those that a transaction's jobs name."""


async def load_kin(reading: Reading) -> None:
    wanted, uow, board = reading.wanted, reading.uow, reading.board
    if wanted.parents:
        board.parents, board.deleted_lines = await uow.trees.lines(wanted.parents)
    if wanted.moves:
        board.heights = await uow.trees.heights(wanted.moves)
    if wanted.edges_of:
        _put_blockers(reading, await uow.dependencies.above(wanted.edges_of))
    if wanted.children_of:
        board.children.update(await uow.trees.open_children(wanted.children_of))
    if wanted.roles:
        await _load_concerned(reading)
    repeated = {key for key in wanted.templates_of if _repeats_its_subtasks(board.tasks.get(key))}
    if repeated:
        await _load_templates(reading, repeated)


async def _load_concerned(reading: Reading) -> None:
    """Reads and locks until nobody is added: who is locked gets no new kin."""
    uow, board = reading.uow, reading.board
    roles = {(task, role) for task, role in reading.wanted.roles if task in reading.existing}
    while True:
        concerned = await uow.kin.concerned(roles, MAX_KIN)
        if concerned is None:
            raise TooManyKin(MAX_KIN)
        new = concerned.tasks - reading.asked
        if not new:
            break
        await reading.lock(new)
        if new.isdisjoint(concerned.acting):
            break
    for parent, children in concerned.children.items():
        board.children[parent] = children
    board.restorable = concerned.restored
    board.dependents = {key: set() for key in concerned.acting}
    for edge in concerned.edges:
        _put(reading, edge)
        board.dependents[edge.blocker].add(edge.dependent)


async def _load_templates(reading: Reading, roots: Keys) -> None:
    below = await reading.uow.trees.templates(roots)
    wanted = {key for keys in below.values() for key in keys}
    rows = {row.key: row for row in await reading.uow.tasks.read(wanted)} if wanted else {}
    reading.board.templates = {
        root: [rows[key] for key in sorted(below.get(root, ())) if key in rows] for root in roots
    }


def _repeats_its_subtasks(task: Task | None) -> bool:
    return task is not None and bool((task.recurrence or {}).get("clone_subtasks"))


def _put_blockers(reading: Reading, edges: list[Dependency]) -> None:
    blockers = reading.board.blockers
    for key in reading.wanted.edges_of:
        blockers.setdefault(key, set())
    for edge in edges:
        _put(reading, edge)
        blockers.setdefault(edge.dependent, set()).add(edge.blocker)
        blockers.setdefault(edge.blocker, set())


def _put(reading: Reading, edge: Dependency) -> None:
    reading.board.dependencies[edge.key] = edge
