"""How a job ended, for people."""

from collections.abc import Iterator
from typing import Any


def sentence(outcome: dict[str, Any]) -> str:
    """The outcome in one line."""
    match outcome["status"]:
        case "applied":
            return f"applied: {', '.join(_facts(outcome['result']))}"
        case "rejected":
            return f"rejected ({outcome['code']}): {outcome['message']}"
        case status:
            return f"{status}: {outcome.get('error', '')}"


def _facts(result: dict[str, Any]) -> Iterator[str]:
    for key, value in result.items():
        if key == "tasks":
            yield from (f"task {task['id']} with token {task['token']}" for task in value)
        elif not isinstance(value, list):
            yield f"{key.replace('_', ' ')} {value}"
