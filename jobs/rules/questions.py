"""The rules for tasks that wait for an answer."""

from typing import Any

from jobs.board import Board
from jobs.payloads.lifecycle import ProvideInput, RequestInput


def request_input(board: Board, payload: RequestInput) -> dict[str, Any]:
    raise NotImplementedError


def provide_input(board: Board, payload: ProvideInput) -> dict[str, Any]:
    raise NotImplementedError
