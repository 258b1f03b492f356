"""Rules for many tasks of a project at once.

What is found was found before the batch's own jobs; each task is looked at again.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from jobs.board import Board
from jobs.entities import OPEN, Project, Task, TaskStatus
from jobs.payloads.project import ArchiveTasks, CompleteTasks
from jobs.refs import Eligible
from jobs.rules.consequences import children
from jobs.rules.deletion import delete_tree
from jobs.rules.find import live_project
from jobs.rules.permissions import require_member, require_owner
from jobs.rules.subtasks import open_subtasks
from jobs.rules.transitions import needs_approval
from jobs.rules.work import finish

WORKABLE = frozenset({TaskStatus.PENDING, TaskStatus.IN_PROGRESS})


def complete_tasks(board: Board, payload: CompleteTasks) -> dict[str, Any]:
    """Each task tells of its completion, the project of the act and their number."""
    project = live_project(board, payload.project_id)
    require_member(board, project.id)
    found, completed = board.eligible[project.key, "complete"], 0
    left = Counter(found.left)
    for task in (task for task in _live(board, found, left) if task.is_open):
        if completed == payload.limit:
            left["limit"] += 1
        elif not _is_completable(board, project, task):
            left["changed_meanwhile"] += 1
        else:
            finish(board, task, "task.completed")
            completed += 1
    if completed:
        board.record("project.tasks_completed", project, parts={"tasks": {"count": completed}})
    return _result(project, left) | {"completed": completed}


def archive_tasks(board: Board, payload: ArchiveTasks) -> dict[str, Any]:
    """As `complete_tasks`; a tree is deleted whole, or left for the next job."""
    project = live_project(board, payload.project_id)
    require_owner(board, project)
    found = board.eligible[project.key, "archive_all" if payload.include_open else "archive"]
    left, archived, together = Counter(found.left), 0, 0
    for task in _live(board, found, left):
        size = _size(board, task)
        if not _is_archivable(board, project, task, include_open=payload.include_open):
            left["changed_meanwhile"] += size
        elif size > payload.limit:
            left["tree_too_large"] += size
        elif (together := together + size) > payload.limit:
            left["limit"] += size
        else:
            archived += delete_tree(board, task, board.cause().job_id, payload.reason)
    if archived:
        board.record("project.tasks_archived", project, parts={"tasks": {"count": archived}})
    return _result(project, left) | {"archived": archived}


def _live(board: Board, found: Eligible, left: Counter[str]) -> Iterator[Task]:
    """Those that could be locked; what an earlier job of the batch settled is not left over."""
    for key in found.tasks:
        task = board.tasks.get(key)
        if task is None:
            left["busy"] += 1
        elif task.deleted_at is None:
            yield task


def _is_completable(board: Board, project: Project, task: Task) -> bool:
    return (
        task.status in WORKABLE
        and task.key not in board.leases
        and task.unmet_dependencies == 0
        and not open_subtasks(board, task)
        and not needs_approval(project, task)
    )


def _is_archivable(board: Board, project: Project, task: Task, *, include_open: bool) -> bool:
    """Nothing below it is open; it is settled itself, or could be completed."""
    if any(_has_open(board, child) for child in children(board, task)):
        return False
    return task.status not in OPEN or (include_open and _is_completable(board, project, task))


def _has_open(board: Board, task: Task) -> bool:
    return task.is_open or any(_has_open(board, child) for child in children(board, task))


def _size(board: Board, task: Task) -> int:
    return 1 + sum(_size(board, child) for child in children(board, task))


def _result(project: Project, left: Counter[str]) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "version": project.version,
        "remaining": left.total(),
        "left": dict(left),
    }
