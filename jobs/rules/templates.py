"""Subtasks that come again with their parent."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from jobs.board import Board
from jobs.entities import Task, WorkerKind
from jobs.errors import KinUnknown, LimitExceeded
from jobs.ids import derived_id
from jobs.payloads.task import MAX_TREE_TASKS
from jobs.rules.permissions import is_member


def clone_subtasks(board: Board, task: Task, successor: Task, later: timedelta) -> None:
    """All live descendants of `task` are there again below `successor`, pending, this much later.

    Dependencies and recurrence are not theirs: what depends on what was said about the originals,
    and a subtask that recurs does so by itself; of its occurrences the last one is cloned.
    """
    originals = _below(board, task)
    if len(originals) >= MAX_TREE_TASKS:
        raise LimitExceeded(
            f"The task recurs with {len(originals)} subtasks, and one job makes at most "
            f"{MAX_TREE_TASKS} tasks; set clone_subtasks of its recurrence to false."
        )
    copies: dict[UUID | None, Task] = {task.id: successor}
    for original in originals:
        copy = _copy(board, original, copies[original.parent_id], successor, later)
        copies[original.id] = copy
        board.create("task.created", copy)
        board.count(copy, tasks=1)


def _below(board: Board, root: Task) -> list[Task]:
    """Parents first; as the board has them, where it knows better than what was read."""
    known = {task.key: task for task in _read(board, root)} | board.tasks
    children: dict[UUID | None, list[Task]] = {}
    for _, task in sorted(known.items()):
        if task.tenant_id == root.tenant_id and task.deleted_at is None:
            children.setdefault(task.parent_id, []).append(task)
    return list(_walk(children, root))


def _read(board: Board, root: Task) -> list[Task]:
    """Raises KinUnknown: it recurs with its subtasks since the batch was read."""
    change = board.changes.get((Task, *root.key))
    if change is not None and change.base_version is None:
        return []
    if root.key not in board.templates:
        raise KinUnknown(f"the subtasks of task {root.id} are to come again since the batch began")
    return board.templates[root.key]


def _walk(children: dict[UUID | None, list[Task]], root: Task) -> Iterator[Task]:
    for child in children.get(root.id, ()):
        if not (child.recurrence or {}).get("successor_id"):
            yield child
            yield from _walk(children, child)


def _copy(board: Board, original: Task, parent: Task, root: Task, later: timedelta) -> Task:
    return Task(
        tenant_id=original.tenant_id,
        id=derived_id(original.created_at, "task.recur", root.id, original.id),
        project_id=original.project_id,
        parent_id=parent.id,
        title=original.title,
        description=original.description,
        priority=original.priority,
        created_by_id=original.created_by_id,
        assignee_id=original.assignee_id if _keeps(board, original) else None,
        tags=original.tags,
        attributes=original.attributes,
        required_capabilities=original.required_capabilities,
        due_at=_moved(original.due_at, later),
        run_after=_moved(original.run_after, later),
        max_attempts=original.max_attempts,
        budget=original.budget,
        created_at=board.now,
        updated_at=board.now,
    )


def _keeps(board: Board, task: Task) -> bool:
    """Humans keep their tasks; agents claim them anew."""
    worker = task.assignee_id and board.workers.get((task.tenant_id, task.assignee_id))
    if not worker or worker.deactivated_at is not None or worker.kind is WorkerKind.AGENT:
        return False
    return is_member(board, task.project_id, worker)


def _moved(time: datetime | None, later: timedelta) -> datetime | None:
    return None if time is None else time + later
