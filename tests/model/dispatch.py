"""What a dispatch takes: the best of what is ready, as far as there is room."""

from datetime import UTC, datetime
from uuid import UUID

from jobs.payloads.lifecycle import ClaimTask
from tests.model import refusals
from tests.model.act import Act
from tests.model.effects import take
from tests.model.state import RANK, State

NEVER = datetime.max.replace(tzinfo=UTC)


def dispatch(act: Act) -> None:
    assert act.actor is not None
    take_all(act, best(act.state, act.actor, act.job.limit))


def grant(act: Act, task_ids: list[UUID]) -> None:
    """Of a batch it is known only that what was given was ready, and that there was room."""
    assert act.actor is not None
    assert len(task_ids) <= min(act.job.limit, room(act.state, act.actor))
    for task_id in task_ids:
        assert is_ready(act.state, act.actor, task_id)
    take_all(act, task_ids)


def best(state: State, worker_id: UUID, limit: int) -> list[UUID]:
    """Rank, due time (none comes last), age, id."""
    ready = [task for task in state.tasks.values() if is_ready(state, worker_id, task.id)]
    ready.sort(key=lambda task: (task.due_at or NEVER, task.created_at, task.id))
    ready.sort(key=lambda task: RANK[task.priority], reverse=True)
    return [task.id for task in ready[: min(limit, room(state, worker_id))]]


def is_ready(state: State, worker_id: UUID, task_id: UUID) -> bool:
    task = state.live_task(task_id)
    if task is None or worker_id not in state.projects[task.project].members:
        return False
    return not set(refusals.not_ready(_claim(state, worker_id, task_id)))


def room(state: State, worker_id: UUID) -> int:
    limit = state.workers[worker_id].room
    return 10_000 if limit is None else max(0, limit - state.held_by(worker_id))


def take_all(act: Act, task_ids: list[UUID]) -> None:
    for task_id in task_ids:
        assert act.actor is not None
        take(act, act.state.tasks[task_id], act.actor)


def _claim(state: State, worker_id: UUID, task_id: UUID) -> Act:
    return Act(state, worker_id, ClaimTask(task_id=task_id), worker_id)
