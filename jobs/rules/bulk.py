"""Rules for many tasks of a project at once.

What is found was found before the batch's own jobs; each task is looked at again.
"""

from typing import Any

from jobs.board import Board
from jobs.entities import OPEN, Key, Project, Task, TaskStatus
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
    found = board.eligible[project.key, "complete"]
    tasks, left = _still_there(board, found, payload.limit)
    done = [task for task in tasks if _is_completable(board, project, task)]
    for task in done:
        finish(board, task, "task.completed")
    if done:
        board.record("project.tasks_completed", project, parts={"tasks": {"count": len(done)}})
    left = _add(left, "changed_meanwhile", len(tasks) - len(done))
    return _result(project, left) | {"completed": len(done)}


def archive_tasks(board: Board, payload: ArchiveTasks) -> dict[str, Any]:
    """As `complete_tasks`; a tree is deleted whole, or left for the next job."""
    project = live_project(board, payload.project_id)
    require_owner(board, project)
    what = "archive_all" if payload.include_open else "archive"
    tasks, left = _still_there(board, board.eligible[project.key, what], payload.limit)
    deleted = 0
    for task in tasks:
        if task.deleted_at is not None:
            continue
        size = _size(board, task)
        if not _is_archivable(board, project, task, include_open=payload.include_open):
            left = _add(left, "changed_meanwhile", 1)
        elif deleted + size > payload.limit:
            left = _add(left, "limit", 1)
        else:
            deleted += delete_tree(board, task, board.cause().job_id, payload.reason)
    if deleted:
        board.record("project.tasks_archived", project, parts={"tasks": {"count": deleted}})
    return _result(project, left) | {"archived": deleted}


def _still_there(board: Board, found: Eligible, limit: int) -> tuple[list[Task], dict[str, int]]:
    """The tasks that could be locked, and how many are left, by reason."""
    wanted: tuple[Key, ...] = found.tasks[:limit]
    tasks = [board.tasks[key] for key in wanted if key in board.tasks]
    left = _add(found.left, "limit", len(found.tasks) - len(wanted))
    return tasks, _add(left, "busy", len(wanted) - len(tasks))


def _is_completable(board: Board, project: Project, task: Task) -> bool:
    return (
        task.deleted_at is None
        and task.status in WORKABLE
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


def _add(left: dict[str, int], reason: str, number: int) -> dict[str, int]:
    return left | {reason: left.get(reason, 0) + number} if number else left


def _result(project: Project, left: dict[str, int]) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "version": project.version,
        "remaining": sum(left.values()),
        "left": left,
    }
