"""Jobs that settle many tasks at once: eligible ones, oldest first, each with its own event."""

from collections.abc import Callable

from tests.model.act import Act, complete, delete, note
from tests.model.state import OPEN, TaskFacts


def complete_tasks(act: Act) -> None:
    chosen = _oldest_first(act, _may_be_completed)[: act.job.limit]
    for task in chosen:
        complete(act.state, task, cascade=False)
    _note_act(act, chosen)


def archive_tasks(act: Act) -> None:
    """Trees are deleted whole: one that is too large by itself is left, the others wait."""
    eligible = _oldest_first(act, _may_be_archived)
    names = {task.id for task in eligible}
    tops = [task for task in eligible if task.parent not in names]
    together, chosen = 0, []
    for top in tops:
        size = 1 + sum(below.is_live for below in act.state.below(top))
        if size <= act.job.limit:
            together += size
            chosen += [top] if together <= act.job.limit else []
    for top in chosen:
        delete(act, top)
    _note_act(act, chosen)


def _note_act(act: Act, tasks: list[TaskFacts]) -> None:
    """Nothing done is nothing to tell."""
    if tasks:
        note(act.project)


def _oldest_first(act: Act, is_eligible: Callable[[Act, TaskFacts], bool]) -> list[TaskFacts]:
    """Found before the first is touched: what becomes eligible by the job itself is left."""
    here = [t for t in act.state.tasks.values() if t.project == act.project.id and t.is_live]
    eligible = [task for task in here if is_eligible(act, task)]
    return sorted(eligible, key=lambda task: (task.created_at, task.id))


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
