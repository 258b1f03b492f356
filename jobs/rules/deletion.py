"""The rules by which tasks disappear and come back. Deletion says nothing about the status."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import Lease, Task, TaskStatus
from jobs.errors import Aborted, LimitExceeded, NotAllowed
from jobs.payloads.task import MAX_TREE_DEPTH, DeleteTask, PurgeTask, RestoreTask
from jobs.rules.consequences import change, children
from jobs.rules.find import known_task, live_project, live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import former_assignee, require_member

PURGED_TITLE = "(purged)"


def delete(board: Board, payload: DeleteTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    deleted = delete_tree(board, task, board.cause().job_id, payload.reason)
    return task_result(task) | {"deleted": deleted, "deletion_id": task.deletion_id}


def restore(board: Board, payload: RestoreTask) -> dict[str, Any]:
    task = known_task(board, payload.task_id)
    live_project(board, task.project_id)
    require_member(board, task.project_id)
    _require_restorable(board, task)
    tasks = _restored_with(board, task)
    _require_unpurged(task, tasks)
    _require_depth(board, task, tasks)
    for one in tasks:
        change(board, one, "task.restored", deleted_at=None, deletion_id=None)
        board.place(one)
    return task_result(task) | {"restored": len(tasks)}


def purge(board: Board, payload: PurgeTask) -> dict[str, Any]:
    """Erases what the task said. Keys, states, times and the history of acts stay."""
    task = known_task(board, payload.task_id)
    if task.deleted_at is None or task.purged_at is not None:
        raise Aborted("Only a deleted task is purged, and once; nothing is to be done.")
    board.erase_comments(task)
    board.record(
        "task.purged",
        task,
        parts={"comments": None},
        purged_at=board.now,
        title=PURGED_TITLE,
        description=None,
        attributes={},
        tags=[],
        question=None,
        result=None,
        failure=None,
    )
    return task_result(task)


def delete_tree(board: Board, task: Task, deletion_id: UUID, reason: str | None) -> int:
    """The task and its live descendants are deleted, parents first; answers how many."""
    deleted, to_visit = 0, [task]
    while to_visit:
        one = to_visit.pop()
        below = list(children(board, one))
        _delete_one(board, one, deletion_id, reason)
        to_visit.extend(reversed(below))
        deleted += 1
    return deleted


def _delete_one(board: Board, task: Task, deletion_id: UUID, reason: str | None) -> None:
    lease = board.end_lease(task)
    given_back = {} if lease is None else _given_back(board, task, lease)
    board.unplace(task)
    change(
        board,
        task,
        "task.deleted",
        parts={"lease": None, "note": {"reason": reason}},
        deleted_at=board.now,
        deletion_id=deletion_id,
        **given_back,
    )


def _given_back(board: Board, task: Task, lease: Lease) -> dict[str, Any]:
    """Nobody works on what is deleted: restored, it can be claimed again."""
    assignee = {"assignee_id": former_assignee(board, task, lease)}
    if task.status is TaskStatus.IN_PROGRESS:
        return assignee | {"status": TaskStatus.PENDING}
    return assignee


def _require_restorable(board: Board, task: Task) -> None:
    if task.deleted_at is None:
        raise NotAllowed("The task is not deleted; nothing is to be done.", observed=seen(task))
    parent = board.parents[task.key]
    if parent is not None and _is_deleted(board, parent):
        raise NotAllowed(
            f"The task lies below {parent[1]}, which is deleted; restore that one first.",
            observed=seen(task),
        )


def _require_unpurged(task: Task, tasks: list[Task]) -> None:
    """All that was deleted together comes back, or nothing of it."""
    if any(one.purged_at is not None for one in tasks):
        raise NotAllowed(
            "The task, or one deleted with it below, was purged, so nothing is left of what that "
            "said; create a new one.",
            observed=seen(task),
        )


def _is_deleted(board: Board, key: tuple[UUID, UUID]) -> bool:
    task = board.tasks.get(key)
    return key in board.deleted_lines if task is None else task.deleted_at is not None


def _restored_with(board: Board, task: Task) -> list[Task]:
    """The task and exactly what was deleted with it below, parents first."""
    found, to_visit = [], [task]
    while to_visit:
        one = to_visit.pop()
        found.append(one)
        below = (board.kin(key) for key in sorted(board.restorable_of(one), reverse=True))
        to_visit.extend(child for child in below if child.deletion_id == task.deletion_id)
    return found


def _require_depth(board: Board, task: Task, tasks: list[Task]) -> None:
    levels = {task.key: board.depth(task.key)}
    for one in tasks[1:]:
        levels[one.key] = levels[one.tenant_id, one.parent_id] + 1  # type: ignore[index]
    if max(levels.values()) > MAX_TREE_DEPTH:
        raise LimitExceeded(
            f"Task trees are at most {MAX_TREE_DEPTH} levels deep, and this has grown; "
            "move its parent higher first.",
            observed=seen(task),
        )
