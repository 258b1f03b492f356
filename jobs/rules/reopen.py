"""The rules that bring a settled task back."""

from typing import Any

from jobs.board import Board
from jobs.payloads.lifecycle import ReopenTask, RetryTask


def retry(board: Board, payload: RetryTask) -> dict[str, Any]:
    raise NotImplementedError


def reopen(board: Board, payload: ReopenTask) -> dict[str, Any]:
    raise NotImplementedError
