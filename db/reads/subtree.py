"""A task and all that hangs below it, with the progress of its parts: one statement."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, column, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.task_row import TaskRow, rows_and, task_row
from db.reads.views import TASK

MAX_DEPTH = 16
"""Levels that the rules allow, and a fence should one ever break them."""
MAX_TASKS = 10_000

BELOW = (
    text("""
        WITH RECURSIVE below AS (
            SELECT CAST(:task_id AS uuid) AS id, 0 AS depth
            UNION ALL
            SELECT child.id, below.depth + 1
            FROM below
            JOIN taskrail.task child
                ON child.tenant_id = :tenant_id AND child.parent_id = below.id
            WHERE child.deleted_at IS NULL AND below.depth < :deepest
        )
        SELECT id, depth FROM below LIMIT :most
    """)
    .columns(column("id", Uuid), column("depth", Integer))
    .subquery("below")
)
STATEMENT = (
    rows_and(BELOW.c.depth)
    .join(BELOW, BELOW.c.id == TASK.c.id)
    .where(TASK.c.tenant_id == bindparam("tenant_id", type_=Uuid()))
    .order_by(BELOW.c.depth, TASK.c.created_at, TASK.c.id)
)


class TreeTooLarge(ValueError):  # noqa: N818 - errors say what is the case
    """More than 10,000 tasks hang together."""


@dataclass(frozen=True, slots=True)
class Branch:
    """`progress`: the mean of the live direct children's, from the leaves up; a leaf's own.

    `subtasks` oldest first. `is_cut`: there are some, deeper than was asked for.
    """

    task: TaskRow
    progress: float
    subtasks: list["Branch"]
    is_cut: bool


async def subtree(
    connection: AsyncConnection, tenant_id: UUID, task_id: UUID, *, depth: int = MAX_DEPTH
) -> Branch | None:
    """The task with `depth` levels below it; the progress counts in what lies deeper.

    None where the tenant has no such task, or it or its project is deleted. Raises TreeTooLarge.
    """
    binds = {"tenant_id": tenant_id, "task_id": task_id}
    limits = {"deepest": MAX_DEPTH, "most": MAX_TASKS + 1}
    rows = (await connection.execute(STATEMENT, binds | limits)).all()
    if len(rows) > MAX_TASKS:
        raise TreeTooLarge(f"more than {MAX_TASKS} tasks hang below {task_id}; ask for a part")
    children: dict[UUID | None, list[TaskRow]] = defaultdict(list)
    for task in map(task_row, rows[1:]):
        children[task.parent_id].append(task)
    return _branch(task_row(rows[0]), children, depth) if rows else None


def _branch(task: TaskRow, children: dict[UUID | None, list[TaskRow]], depth: int) -> Branch:
    below = [_branch(child, children, depth - 1) for child in children[task.id]]
    progress = sum(branch.progress for branch in below) / len(below) if below else task.progress
    is_shown = depth > 0
    return Branch(task, progress, below if is_shown else [], is_cut=bool(below) and not is_shown)
