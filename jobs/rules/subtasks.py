"""What the end of a task asks of the tasks below it."""

from jobs.board import Board
from jobs.entities import Key, Task, TaskStatus
from jobs.errors import OpenSubtasks
from jobs.rules.consequences import cancel_below
from jobs.rules.find import seen
from jobs.rules.transitions import next_states

MAX_NAMED_SUBTASKS = 5


def settle_subtasks(board: Board, task: Task, *, cascade: bool) -> None:
    """No subtask of a task to be completed is open: with `cascade` they are cancelled."""
    if cascade:
        cancel_below(board, task, "its parent was completed")
    else:
        _require_no_open_subtasks(board, task)


def open_subtasks(board: Board, task: Task) -> list[Key]:
    return sorted(key for key in board.children_of(task) if _is_open(board, key))


def _require_no_open_subtasks(board: Board, task: Task) -> None:
    still_open = open_subtasks(board, task)
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
