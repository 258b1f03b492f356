"""What the loader finds by searching, in Python: the SQL of db/repositories, the slow way."""

from collections import Counter
from uuid import UUID

from jobs.board import Board
from jobs.entities import OPEN, Key, Priority, Tally, Task, TaskStatus
from jobs.refs import Bulk, Eligible, Scope


def candidates(board: Board, asking: Key, limit: int) -> list[Key]:
    """The dispatch."""
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


def eligible(board: Board, tenant_id: UUID, bulk: Bulk | None) -> dict[tuple[Key, str], Eligible]:
    """The tops of trees that a bulk job may settle, and why the rest is left."""
    if bulk is None:
        return {}
    free, left = dict[Key, Task](), Counter[str]()
    for task in board.tasks.values():
        if (task.tenant_id, task.project_id) != (tenant_id, bulk.project_id) or task.deleted_at:
            continue
        is_wanted = (task.status in OPEN) == (bulk.what == "complete")
        if not is_wanted and bulk.what != "archive_all":
            continue
        obstacle = _obstacle(board, task, bulk)
        if obstacle is None:
            free[task.key] = task
        else:
            left[obstacle] += 1
    tops = _tops(board, free, bulk, left)
    return {((tenant_id, bulk.project_id), bulk.what): Eligible(tops, dict(left))}


def tasks_of(board: Board, scope: Scope) -> set[Key]:
    """What is open and his, or leased to him or in his stead."""
    tenant_id, project_id, worker_id = scope
    found = set()
    for key, task in board.tasks.items():
        lease = board.leases.get(key)
        had = lease is not None and worker_id in {lease.holder_id, lease.previous_assignee_id}
        has = task.assignee_id == worker_id and task.status in OPEN
        if key[0] == tenant_id and project_id in {None, task.project_id} and (has or had):
            found.add(key)
    return found


def heights(board: Board, task: Key) -> int:
    """How many levels are below."""
    below = [key for key, parent in board.parents.items() if parent == task]
    return 1 + max(heights(board, key) for key in below) if below else 0


def restorable(board: Board) -> dict[Key, set[Key]]:
    """Of each task the subtasks that were deleted with it."""
    found: dict[Key, set[Key]] = {key: set() for key in board.tasks}
    for key, task in board.tasks.items():
        parent = None if task.parent_id is None else board.tasks[key[0], task.parent_id]
        if parent and task.deletion_id and task.deletion_id == parent.deletion_id:
            found[parent.key].add(key)
    return found


def templates(board: Board, tasks: set[Key]) -> dict[Key, list[Task]]:
    """The live descendants of those that recur with their subtasks."""
    roots = [board.tasks[key] for key in sorted(tasks & board.tasks.keys())]
    cloning = [root for root in roots if (root.recurrence or {}).get("clone_subtasks")]
    return {root.key: _live_below(board, root) for root in cloning}


def spent(board: Board, tenant_id: UUID, tasks: tuple[UUID, ...]) -> dict[Key, Tally]:
    """The counters of these tasks' projects, where they have a budget."""
    rows = [board.tasks[tenant_id, task] for task in tasks if (tenant_id, task) in board.tasks]
    projects = {(tenant_id, row.project_id) for row in rows}
    limited = {key for key in projects if board.projects[key].budget is not None}
    return {key: board.tally.get(key, Tally(*key)) for key in limited}


def _live_below(board: Board, root: Task) -> list[Task]:
    children = [task for task in board.tasks.values() if task.parent_id == root.id]
    live = [child for child in children if child.deleted_at is None]
    return live + [task for child in live for task in _live_below(board, child)]


def _tops(board: Board, free: dict[Key, Task], bulk: Bulk, left: Counter[str]) -> tuple[Key, ...]:
    """The oldest with at most `limit` tasks in their trees; the others are left.

    What is completed takes nothing along; what is deleted takes all below it.
    """
    tops, together = list[Key](), 0
    for task in sorted(free.values(), key=lambda t: (t.created_at, t.id)):
        if (task.tenant_id, task.parent_id) in free:
            continue
        below = [] if bulk.what == "complete" else _live_below(board, task)
        size = 1 + len([one for one in below if one.key in free])
        fits = size <= bulk.limit
        together += size if fits else 0
        if not fits or together > bulk.limit:
            left["limit" if fits else "tree_too_large"] += size
        else:
            tops.append(task.key)
    return tuple(tops)


def _obstacle(board: Board, task: Task, bulk: Bulk) -> str | None:
    below = [board.tasks[key] for key in board.children[task.key]]
    has_open = any(child.is_open for child in below)
    if bulk.what != "complete":
        has_open = any(child.is_open for child in _live_below(board, task))
    if task.status not in OPEN:
        return "open_subtasks" if has_open else None
    if task.status not in {TaskStatus.PENDING, TaskStatus.IN_PROGRESS}:
        return str(task.status)
    project = board.projects[task.tenant_id, task.project_id]
    is_critical = task.priority is Priority.CRITICAL
    reviewed = project.approval_policy == "all" or (
        project.approval_policy == "critical" and is_critical
    )
    obstacles = {
        "leased": task.key in board.leases,
        "dependencies_unmet": task.unmet_dependencies > 0,
        "open_subtasks": has_open,
        "approval_required": reviewed,
    }
    return next((name for name, stands in obstacles.items() if stands), None)
