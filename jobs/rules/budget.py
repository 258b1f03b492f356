"""What work may cost: usage is booked, and limits are held."""

from typing import Any

from jobs.board import Board
from jobs.payloads.lifecycle import ReportUsage
from jobs.payloads.task import RaiseBudget


def report_usage(board: Board, payload: ReportUsage) -> dict[str, Any]:
    raise NotImplementedError


def raise_budget(board: Board, payload: RaiseBudget) -> dict[str, Any]:
    raise NotImplementedError
