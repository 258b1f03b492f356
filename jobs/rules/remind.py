"""The rule that reminds of a task."""

from typing import Any

from jobs.board import Board
from jobs.payloads.lifecycle import RemindTask


def remind(board: Board, payload: RemindTask) -> dict[str, Any]:
    raise NotImplementedError
