"""What work costs: usage adds up on the task and in its project, and limits are watched.

A limit is reached when as much as it allows is used: 1,000 of 1,000 tokens. Nothing used reaches no
limit, not even 0. Whoever reaches a limit announces it; later usage above it is booked in silence.
"""

from typing import Any

from jobs.board import Board
from jobs.entities import Project, Tally, Task
from jobs.errors import KinUnknown
from jobs.payloads.budget import Usage
from jobs.rules.consequences import change

Amounts = dict[str, int]
"""By what is counted: attempts, tokens, money_micros, wall_seconds; only what is above 0."""
ANNOUNCED = {"soft": "budget_warned", "hard": "budget_exceeded"}
ATTEMPT: Amounts = {"attempts": 1}


def spend(
    board: Board,
    task: Task,
    kind: str,
    amounts: Amounts,
    *,
    parts: dict[str, Any] | None = None,
    **new: Any,
) -> None:
    """As `change`, and the same event books the amounts; limits reached by them are announced."""
    if not amounts:
        change(board, task, kind, parts=parts, **new)
        return
    board.count(task, **amounts)
    change(board, task, kind, parts=parts, usage=_sum(task.usage or {}, amounts), **new)
    _announce(board, "task", task, task.usage or {}, amounts)
    project = board.projects[task.tenant_id, task.project_id]
    if project.budget is not None:
        _announce(board, "project", project, _used(_spent(board, project)), amounts)


def amounts_of(usage: Usage | None) -> Amounts:
    """What a report says was used."""
    return {} if usage is None else _used(usage)


def is_exceeded(board: Board, task: Task) -> bool:
    """Whether a hard limit of the task's budget, or of its project's, is reached."""
    project = board.projects[task.tenant_id, task.project_id]
    if _has_reached_hard(task, task.usage or {}):
        return True
    return project.budget is not None and _has_reached_hard(project, _used(_spent(board, project)))


def _announce(
    board: Board, name: str, limited: Task | Project, used: Amounts, amounts: Amounts
) -> None:
    """`used`: with the amounts."""
    for what, more in amounts.items():
        for level, limit in _limits(limited, what).items():
            total = used[what]
            if _is_reached(limit, total) and not _is_reached(limit, total - more):
                note = {"what": what, "limit": limit, "used": total}
                board.record(f"{name}.{ANNOUNCED[level]}", limited, parts={"note": note})


def _has_reached_hard(limited: Task | Project, used: Amounts) -> bool:
    limits = {what: _limits(limited, what).get("hard") for what in used}
    return any(
        limit is not None and _is_reached(limit, used[what]) for what, limit in limits.items()
    )


def _is_reached(limit: int, used: int) -> bool:
    return used > 0 and used >= limit


def _limits(limited: Task | Project, what: str) -> dict[str, int]:
    """By level, the soft one first."""
    limits: dict[str, int] = (limited.budget or {}).get(what, {})
    return {level: limits[level] for level in ANNOUNCED if level in limits}


def _spent(board: Board, project: Project) -> Tally:
    """Raises KinUnknown: the batch itself has made the task, or given the project its budget."""
    if project.key not in board.spent:
        raise KinUnknown(f"what project {project.id} has spent was not read with the batch")
    return board.spent[project.key]


def _used(source: Usage | Tally) -> Amounts:
    names = ("attempts", "tokens", "money_micros", "wall_seconds")
    found = {name: getattr(source, name, 0) for name in names}
    return {name: amount for name, amount in found.items() if amount > 0}


def _sum(used: Amounts, more: Amounts) -> Amounts:
    return used | {what: used.get(what, 0) + amount for what, amount in more.items()}
