"""A board with no more on it than the loader would put there for one job."""

from copy import copy
from dataclasses import fields
from typing import Any
from uuid import UUID

from jobs.board import Board, Change
from jobs.entities import Event, Key, Task, TaskStatus
from jobs.envelope import AnyJob
from jobs.refs import Refs


def snapshot(board: Board) -> dict[str, Any]:
    """Everything that a board knows and has changed, as it is now."""
    public = (f.name for f in fields(board) if not f.name.startswith("_"))
    return {name: _copied(getattr(board, name)) for name in public}


def narrowed(board: Board, job: AnyJob) -> Board:
    """A copy of the rows that the job's refs name, nothing changed yet."""
    refs = job.payload.refs(job.actor_id)
    narrow = Board(board.now, tenants=board.tenants)
    _put_people(narrow, board, job, refs)
    _put_tasks(narrow, board, job, refs)
    narrow.slugs = board.slugs & {(job.tenant_id, slug) for slug in refs.slugs}
    narrow.handles = board.handles & {(job.tenant_id, handle) for handle in refs.handles}
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


def _put_people(narrow: Board, board: Board, job: AnyJob, refs: Refs) -> None:
    named = _keys(job, *refs.tasks, *refs.parents) & board.tasks.keys()
    projects = _keys(job, *refs.projects, *refs.changed_projects)
    projects |= {(tenant, board.tasks[tenant, task].project_id) for tenant, task in named}
    known = _keys(job, *refs.workers, *refs.changed_workers)
    known |= _keys(job, job.actor_id)
    for tenant_id, task_id in _keys(job, *refs.tasks) & board.tasks.keys():
        known |= _keys(job, board.tasks[tenant_id, task_id].assignee_id)
    narrow.projects = {key: board.projects[key] for key in projects & board.projects.keys()}
    narrow.workers = {key: board.workers[key] for key in known & board.workers.keys()}
    narrow.members = {
        key: member
        for key, member in board.members.items()
        if (key[0], key[1]) in projects and (key[0], key[2]) in known
    }
    locked = _keys(job, *refs.changed_workers)
    narrow.held = {key: held for key, held in board.held.items() if key in locked}


def _put_tasks(narrow: Board, board: Board, job: AnyJob, refs: Refs) -> None:
    named = _keys(job, *refs.tasks, *refs.parents)
    for root in _keys(job, *refs.descendants_of):
        below = _below(board, root)
        named |= below
        for key in {root} | below:
            narrow.children[key] = board.children.get(key, set()) & below
    for parent in _keys(job, *refs.children_of):
        children = board.children.get(parent, set())
        narrow.children[parent] = {key for key in children if board.tasks[key].is_open}
    if refs.dispatch and job.actor_id is not None:
        found = _candidates(board, (job.tenant_id, job.actor_id), refs.dispatch)
        narrow.candidates[job.tenant_id, job.actor_id] = found
        named |= set(found)
    narrow.tasks = {key: board.tasks[key] for key in named & board.tasks.keys()}
    narrow.leases = {key: board.leases[key] for key in named & board.leases.keys()}
    narrow.depths = {
        key: board.depths[key] for key in _keys(job, *refs.parents) & board.depths.keys()
    }


def _candidates(board: Board, asking: Key, limit: int) -> list[Key]:
    """The SQL of the dispatch, in Python."""
    if asking not in board.workers:
        return []
    worker = board.workers[asking]

    def is_free(task: Task) -> bool:
        project = board.projects[task.tenant_id, task.project_id]
        return (
            (task.tenant_id, task.project_id, worker.id) in board.members
            and project.status == "active"
            and project.deleted_at is None
            and task.status == TaskStatus.PENDING
            and task.deleted_at is None
            and task.unmet_dependencies == 0
            and (task.run_after is None or task.run_after <= board.now)
            and task.assignee_id in {None, worker.id}
            and set(task.required_capabilities) <= set(worker.capabilities)
        )

    free = [task for task in board.tasks.values() if task.tenant_id == asking[0] and is_free(task)]
    undated = max((t.due_at for t in free if t.due_at is not None), default=board.now)
    free.sort(key=lambda t: (t.created_at, t.id))
    free.sort(key=lambda t: (t.due_at is None, t.due_at or undated))
    free.sort(key=lambda t: t.priority, reverse=True)
    return [task.key for task in free[:limit]]


def _below(board: Board, root: Key) -> set[Key]:
    children = board.children.get(root, set())
    return children.union(*(_below(board, child) for child in children))


def _keys(job: AnyJob, *ids: UUID | None) -> set[Key]:
    return {(job.tenant_id, ref) for ref in ids if ref is not None}
