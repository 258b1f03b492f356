"""The rule that hangs a task, with all below it, elsewhere in its project."""

from typing import Any

from jobs.board import Board
from jobs.entities import OPEN, Task
from jobs.errors import DependencyCycle, Invalid, LimitExceeded
from jobs.payloads.task import MAX_TREE_DEPTH, MoveTask
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_member
from jobs.rules.transitions import require_status


def move(board: Board, payload: MoveTask) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    depth = 1
    if payload.parent_id is not None:
        parent = live_task(board, payload.parent_id)
        _require_sound(board, task, parent)
        depth += board.depth(parent.key)
    if depth + board.heights[task.key] > MAX_TREE_DEPTH:
        raise LimitExceeded(
            f"Task trees are at most {MAX_TREE_DEPTH} levels deep; attach it higher.",
            observed=seen(task),
        )
    before = None if task.parent_id is None else (task.tenant_id, task.parent_id)
    board.record("task.moved", task, parent_id=payload.parent_id)
    board.place(task, before)
    return task_result(task) | {"parent_id": task.parent_id}


def _require_sound(board: Board, task: Task, parent: Task) -> None:
    if parent.project_id != task.project_id:
        raise Invalid("A task stays in its project; name a parent there.", observed=seen(parent))
    if task.is_open:
        require_status(parent, OPEN, "take open subtasks")
    if task.key in board.line(parent.key):
        raise DependencyCycle(
            "A task cannot hang below itself; move that one out of it first.",
            observed=seen(parent),
        )
