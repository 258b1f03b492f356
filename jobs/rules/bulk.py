"""Rules for many tasks of a project at once."""

from typing import Any

from jobs.board import Board
from jobs.payloads.project import ArchiveTasks, CompleteTasks


def complete_tasks(board: Board, payload: CompleteTasks) -> dict[str, Any]:
    raise NotImplementedError


def archive_tasks(board: Board, payload: ArchiveTasks) -> dict[str, Any]:
    raise NotImplementedError
