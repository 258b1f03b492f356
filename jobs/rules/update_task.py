"""The rule that changes how a task is defined."""

from typing import Any

from jobs.board import Board
from jobs.payloads.task import UpdateTask


def update(board: Board, payload: UpdateTask) -> dict[str, Any]:
    raise NotImplementedError
