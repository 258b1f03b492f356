"""What work has cost, and what that means."""

from collections.abc import Iterator
from typing import Any

from tests.model.act import Act, note
from tests.model.state import ProjectFacts, State, TaskFacts

MEASURES = ("attempts", "tokens", "money_micros", "wall_seconds")


def book(act: Act, *, attempts: int = 0) -> None:
    """Adds what the job says was used to the task and its project; each limit reached is told."""
    usage = getattr(act.job, "usage", None)
    more = {name: getattr(usage, name, 0) for name in MEASURES} | {"attempts": attempts}
    for entity in (act.task, act.project):
        for name in MEASURES:
            old = entity.used.get(name, 0)
            entity.used[name] = old + more[name]
            for limit in _limits(entity, name):
                if old < limit <= entity.used[name]:
                    note(entity)


def is_used_up(state: State, task: TaskFacts) -> bool:
    """Whether a hard limit is reached, of the task or its project."""
    for entity in (task, state.projects[task.project]):
        for name in MEASURES:
            hard = (entity.budget or {}).get(name, {}).get("hard")
            if hard is not None and entity.used.get(name, 0) >= hard:
                return True
    return False


def stored(budget: Any) -> dict[str, Any] | None:
    return None if budget is None else budget.model_dump(mode="json", exclude_none=True)


def _limits(entity: TaskFacts | ProjectFacts, name: str) -> Iterator[int]:
    """The soft and the hard one."""
    yield from ((entity.budget or {}).get(name) or {}).values()
