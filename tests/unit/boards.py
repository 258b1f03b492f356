"""Boards and rows for tests of the board."""

from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.board import Board
from jobs.changes import Cause
from jobs.entities import Lease, Project, Task
from tests.unit.rules.world import NOON

TENANT = uuid7()
PROJECT = Project(TENANT, uuid7(), "relaunch", "Relaunch", NOON, NOON)
CAUSE = Cause(TENANT, uuid7(), None)


def board_with_a_task() -> tuple[Board, Task]:
    """A board an hour later, with one task at version 7."""
    task = new_task()
    task.version = 7
    board = Board(NOON + timedelta(hours=1))
    board.tasks[task.key] = task
    board.parents[task.key] = None
    for known in (board.children, board.dependents, board.blockers, board.restorable):
        known[task.key] = set()
    return board, task


def new_task(parent: Task | None = None) -> Task:
    parent_id = None if parent is None else parent.id
    return Task(TENANT, uuid7(), PROJECT.id, "Task", NOON, NOON, parent_id=parent_id)


def new_lease(task: Task, holder_id: UUID | None = None) -> Lease:
    return Lease(TENANT, task.id, holder_id or uuid7(), 1, NOON + timedelta(minutes=1), NOON)
