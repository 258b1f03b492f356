"""A board with no more on it than the loader would put there for one job: db/loading in Python."""

from collections.abc import Iterable
from copy import copy
from dataclasses import fields
from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.changes import Change
from jobs.entities import Dependency, Edge, Event, Key, Member, Task
from jobs.envelope import AnyJob
from jobs.refs import Refs, Role
from tests.unit.rules.finding import (
    candidates,
    eligible,
    heights,
    restorable,
    spent,
    tasks_of,
    templates,
)

BELOW = {Role.SETTLES_ALL: Role.CANCELS, Role.CANCELS: Role.CANCELS, Role.DELETES: Role.DELETES}
"""The role of the children, by that of their parent."""


def snapshot(board: Board) -> dict[str, Any]:
    """Everything that a board knows and has changed, as it is now."""
    public = (f.name for f in fields(board) if not f.name.startswith("_"))
    return {name: _copied(getattr(board, name)) for name in public}


def narrowed(board: Board, job: AnyJob) -> Board:
    """A copy of the rows that the job's refs name, nothing changed yet.

    What is found by searching, not by key, is put on `board` itself, too.
    """
    refs = job.payload.refs(job.actor_id)
    _find(board, job, refs)
    narrow = Board(board.now, tenants=board.tenants)
    named = _put_tasks(narrow, board, job, refs)
    _put_people(narrow, board, job, refs, named)
    narrow.slugs = board.slugs & _names(board, job, refs)
    narrow.handles = board.handles & {(job.tenant_id, handle) for handle in refs.handles}
    for found in ("eligible", "tasks_of", "spent", "leased"):
        setattr(narrow, found, getattr(board, found))
    return Board(**snapshot(narrow))


def _copied(value: Any) -> Any:
    """Rules change rows, sets, lists and dicts of rows in place; JSON inside of rows never."""
    match value:
        case dict():
            return {key: _copied(row) for key, row in value.items()}
        case Change():
            return Change(value.entity, value.base_version, set(value.columns))
        case Event():
            return value
        case list():
            return [_copied(row) for row in value]
        case _:
            return copy(value)


def _find(board: Board, job: AnyJob, refs: Refs) -> None:
    board.eligible = eligible(board, job.tenant_id, refs.bulk)
    scopes = {(job.tenant_id, project, worker) for project, worker in refs.tasks_of}
    board.tasks_of = {scope: tasks_of(board, scope) for scope in scopes}
    board.heights = {key: heights(board, key) for key in _keys(job, *refs.moves)}
    board.restorable = restorable(board)
    board.spent = spent(board, job.tenant_id, refs.tasks) if refs.spends else {}
    leased = [board.tasks[key].project_id for key in board.leases]
    board.leased = {key: leased.count(key[1]) for key in _keys(job, *refs.leases_in)}
    board.deleted_lines = {key for key, task in board.tasks.items() if task.deleted_at}


def _put_tasks(narrow: Board, board: Board, job: AnyJob, refs: Refs) -> set[Key]:
    """The rows, and answers which of them jobs name."""
    named = _keys(job, *refs.tasks) | {k for found in board.tasks_of.values() for k in found}
    bulk = {key for found in board.eligible.values() for key in found.tasks}
    roles = {((job.tenant_id, task_id), role) for task_id, role in refs.roles}
    if refs.bulk is not None:
        roles |= {(key, refs.bulk.role) for key in bulk}
    shown = named | bulk | _keys(job, *refs.parents, *refs.blockers)
    for parent in _keys(job, *refs.children_of) | bulk:
        children = board.children.get(parent, set())
        narrow.children[parent] = {key for key in children if board.tasks[key].is_open}
    rows = shown | _put_kin(narrow, board, roles & {(k, r) for k in board.tasks for r in Role})
    if refs.dispatch and job.actor_id is not None:
        found = candidates(board, (job.tenant_id, job.actor_id), refs.dispatch)
        narrow.candidates[job.tenant_id, job.actor_id] = found
        rows |= set(found)
    _put_lines(narrow, board, _keys(job, *refs.parents) & board.tasks.keys())
    _put_blockers(narrow, board, _keys(job, *refs.edges_of))
    narrow.heights = board.heights
    narrow.templates = templates(board, _keys(job, *refs.templates_of) | bulk)
    narrow.tasks = {key: board.tasks[key] for key in rows & board.tasks.keys()}
    narrow.leases = {key: board.leases[key] for key in narrow.tasks.keys() & board.leases.keys()}
    return shown & board.tasks.keys()


def _put_kin(narrow: Board, board: Board, roles: set[tuple[Key, Role]]) -> set[Key]:
    found: set[Key] = set()
    to_visit, visited = list(roles), set(roles)
    while to_visit:
        key, role = to_visit.pop()
        narrow.dependents[key] = set(board.dependents.get(key, ()))
        next_ones: set[tuple[Key, Role]] = set()
        if role in BELOW:
            narrow.children[key] = set(board.children.get(key, ()))
            next_ones |= {(child, BELOW[role]) for child in narrow.children[key]}
        if role is Role.RESTORES:
            narrow.restorable[key] = set(board.restorable.get(key, ()))
            next_ones |= {(child, role) for child in narrow.restorable[key]}
        for dependent in narrow.dependents[key]:
            edge = board.dependencies[(*dependent, key[1])]
            _put_edge(narrow, edge)
            if role in {Role.FAILS, Role.CANCELS} and edge.on_failure == "cancel":
                next_ones.add((dependent, Role.CANCELS))
        found |= {key} | narrow.dependents[key]
        to_visit.extend(next_ones - visited)
        visited |= next_ones
    return found


def _put_lines(narrow: Board, board: Board, tasks: set[Key]) -> None:
    for task in tasks:
        narrow.parents.update({key: board.parents[key] for key in board.line(task)})
    narrow.deleted_lines = {key for key in narrow.parents if board.tasks[key].deleted_at}


def _put_blockers(narrow: Board, board: Board, tasks: set[Key]) -> None:
    to_visit = list(tasks & board.tasks.keys())
    for key in tasks:
        narrow.blockers[key] = set()
    while to_visit:
        key = to_visit.pop()
        narrow.blockers[key] = set(board.blockers.get(key, ()))
        for blocker in narrow.blockers[key]:
            _put_edge(narrow, board.dependencies[(*key, blocker[1])])
        to_visit.extend(narrow.blockers[key] - narrow.blockers.keys())


def _put_edge(narrow: Board, edge: Dependency) -> None:
    narrow.dependencies[edge.key] = edge


def _put_people(narrow: Board, board: Board, job: AnyJob, refs: Refs, named: set[Key]) -> None:
    projects = _keys(job, *refs.projects, *refs.changed_projects)
    projects |= {(tenant, board.tasks[tenant, task].project_id) for tenant, task in named}
    locked = _keys(job, *refs.changed_workers)
    known = locked | _keys(job, *refs.workers, job.actor_id)
    late = _people_of(narrow, narrow.tasks.values())
    late |= _people_of(narrow, (t for below in narrow.templates.values() for t in below))
    everybody = known | {(tenant, worker) for tenant, _, worker in late}
    narrow.projects = {key: board.projects[key] for key in projects & board.projects.keys()}
    narrow.workers = {key: board.workers[key] for key in everybody & board.workers.keys()}
    narrow.members = {
        key: member for key, member in board.members.items() if _is_read(member, projects, known)
    } | {key: board.members[key] for key in late & board.members.keys()}
    narrow.held = {key: held for key, held in board.held.items() if key in locked}


def _people_of(board: Board, tasks: Iterable[Task]) -> set[Edge]:
    """To whom tasks belong or belonged, each with the project."""
    people = set[Edge]()
    for task in tasks:
        lease = board.leases.get(task.key)
        for worker_id in (task.assignee_id, None if lease is None else lease.previous_assignee_id):
            if worker_id is not None:
                people.add((task.tenant_id, task.project_id, worker_id))
    return people


def _is_read(member: Member, projects: set[Key], workers: set[Key]) -> bool:
    in_project = (member.tenant_id, member.project_id) in projects
    return in_project and (member.tenant_id, member.worker_id) in workers


def _names(board: Board, job: AnyJob, refs: Refs) -> set[tuple[UUID, str]]:
    slugs = {(job.tenant_id, slug) for slug in refs.slugs}
    changed = _keys(job, *refs.changed_projects) & board.projects.keys()
    return slugs | {(job.tenant_id, board.projects[key].slug) for key in changed}


def _keys(job: AnyJob, *ids: UUID | None) -> set[Key]:
    return {(job.tenant_id, ref) for ref in ids if ref is not None}
