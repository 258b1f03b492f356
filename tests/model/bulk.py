"""Jobs that settle many tasks at once: eligible ones, oldest first, each with its own event."""

from collections.abc import Callable

from tests.model.act import Act, complete, delete, note
from tests.model.state import OPEN, TaskFacts


def complete_tasks(act: Act) -> None:
    for task in _chosen(act, _may_be_completed):
        complete(act.state, task, cascade=False)
    note(act.project)


def archive_tasks(act: Act) -> None:
    for task in _chosen(act, _may_be_archived):
        delete(act, task)
    note(act.project)


def _chosen(act: Act, is_eligible: Callable[[Act, TaskFacts], bool]) -> list[TaskFacts]:
    """Chosen before the first is touched: what becomes eligible by the job itself is left."""
    here = [t for t in act.state.tasks.values() if t.project == act.project.id and t.is_live]
    eligible = [task for task in here if is_eligible(act, task)]
    eligible.sort(key=lambda task: (task.created_at, task.id))
    return eligible[: act.job.limit]


def _may_be_completed(act: Act, task: TaskFacts) -> bool:
    return (
        task.status in {"pending", "in_progress"}
        and task.lease is None
        and act.state.unmet(task) == 0
        and not act.state.has_open_subtasks(task)
        and not act.state.asks_for_review(task)
    )


def _may_be_archived(act: Act, task: TaskFacts) -> bool:
    """What is settled, with all below it; if the job says so, also what could be completed."""
    if task.status in OPEN:
        return bool(act.job.include_open) and _may_be_completed(act, task)
    return not any(below.is_open for below in act.state.below(task))
