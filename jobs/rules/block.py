"""The rules for tasks that cannot go on."""

from typing import Any

from jobs.board import Board
from jobs.payloads.lifecycle import BlockTask, UnblockTask


def block(board: Board, payload: BlockTask) -> dict[str, Any]:
    raise NotImplementedError


def unblock(board: Board, payload: UnblockTask) -> dict[str, Any]:
    raise NotImplementedError
