"""The rules by which a task comes again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.payloads.lifecycle import RecurTask
from jobs.payloads.task import NewTask


def first_occurrence(new: NewTask) -> dict[str, Any] | None:
    """What a new task keeps about its recurrence, if it recurs."""
    if new.recurrence is None or new.due_at is None:
        return None
    own = new.recurrence.model_dump(mode="json", exclude_none=True)
    return own | _occurrence(new.task_id, 1, new.due_at)


def recur(board: Board, payload: RecurTask) -> dict[str, Any]:
    raise NotImplementedError


def _occurrence(series_id: UUID, number: int, scheduled_at: datetime) -> dict[str, Any]:
    """As JSON has it, because it is stored."""
    return {
        "series_id": str(series_id),
        "occurrence": number,
        "scheduled_at": scheduled_at.isoformat(),
    }
