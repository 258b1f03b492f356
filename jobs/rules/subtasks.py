"""What the end of a task means for the tasks below it."""

from collections.abc import Iterator

from jobs.board import Board
from jobs.entities import Key, Task, TaskStatus
from jobs.errors import LimitExceeded, OpenSubtasks
from jobs.rules.find import seen
from jobs.rules.transitions import next_states

MAX_NAMED_SUBTASKS = 5
MAX_KIN = 10_000
"""Live tasks below one that a single job may touch."""


def settle_subtasks(board: Board, task: Task, *, cascade: bool) -> None:
    """No subtask of a task to be completed is open: with `cascade` they are cancelled."""
    if cascade:
        cancel_open_descendants(board, task, "its parent was completed")
    else:
        _require_no_open_subtasks(board, task)


def cancel_open_descendants(board: Board, task: Task, reason: str) -> int:
    """Cancels every open task below `task`, parents first; returns their number."""
    kin = list(_descendants(board, task))
    if len(kin) > MAX_KIN:
        raise LimitExceeded(
            f"{len(kin)} tasks are below this one, and a job may touch {MAX_KIN}; "
            "cancel its larger branches first, one by one.",
            observed=seen(task),
        )
    below = [descendant for descendant in kin if descendant.is_open]
    for descendant in below:
        cancel_one(board, descendant, reason)
    return len(below)


def cancel_one(board: Board, task: Task, reason: str | None) -> None:
    board.end_lease(task)
    board.record(
        "task.cancelled",
        task,
        parts={"lease": None, "note": {"reason": reason}},
        status=TaskStatus.CANCELLED,
        blocked_reason=None,
    )


def _require_no_open_subtasks(board: Board, task: Task) -> None:
    still_open = sorted(key for key in board.children.get(task.key, ()) if _is_open(board, key))
    if still_open:
        named = ", ".join(str(task_id) for _, task_id in still_open[:MAX_NAMED_SUBTASKS])
        raise OpenSubtasks(
            f"{len(still_open)} subtasks are open ({named}); finish or cancel them first, "
            "or say cascade: true to cancel them all.",
            alternatives=[to for to in next_states(task) if to is not TaskStatus.COMPLETED],
            observed=seen(task),
        )


def _is_open(board: Board, key: Key) -> bool:
    """A subtask of which only the id is known was open when the batch began."""
    task = board.tasks.get(key)
    return task is None or task.is_open


def _descendants(board: Board, task: Task) -> Iterator[Task]:
    for key in sorted(board.children.get(task.key, ())):
        child = board.tasks[key]
        yield child
        yield from _descendants(board, child)
