"""The rule that gives a task back undone."""

from typing import Any

from jobs.board import Board
from jobs.payloads.lifecycle import ReleaseTask


def release(board: Board, payload: ReleaseTask) -> dict[str, Any]:
    raise NotImplementedError
