"""Why a job about what a task is, whose it is and where it stands is refused."""

from collections.abc import Iterator
from uuid import UUID

from jobs.payloads.task import CreateTask, NewDependency, NewTask
from tests.model.act import Act
from tests.model.refusals import Reasons, archived, in_status
from tests.model.state import MAX_DEPTH, OPEN, TaskFacts


def create(act: Act) -> Reasons:
    """The whole tree, or nothing of it."""
    yield from archived(act)
    nodes = [node for node, _ in act.job.tree()]
    if any(act.state.is_taken(node.task_id) for node in nodes):
        yield "already_exists"
    for node in nodes:
        yield from _assignee(act, node.assignee_id)
        for edge in node.depends_on:
            yield from _blocker(act, edge, {node.task_id for node in nodes})
    above: list[UUID] = []
    if act.job.parent_id is not None:
        parent = act.state.live_task(act.job.parent_id)
        if parent is None:
            yield "not_found"
            return
        yield from _under(act, parent, max(depth for _, depth in act.job.tree()))
        if parent.status not in OPEN:
            yield "illegal_transition"
        above = [each.id for each in (parent, *act.state.above(parent))]
    if _waits_in_a_circle(act, above):
        yield "dependency_cycle"


def _assignee(act: Act, worker_id: UUID | None) -> Reasons:
    if worker_id is None:
        return
    worker = act.state.workers.get(worker_id)
    if worker is None:
        yield "not_found"
        return
    if worker_id not in act.project.members:
        yield "not_a_member"
    if not worker.is_active:
        yield "not_allowed"


def _blocker(act: Act, edge: NewDependency, made: set[UUID]) -> Reasons:
    if edge.task_id in made:
        return
    blocker = act.state.live_task(edge.task_id)
    if blocker is None:
        yield "not_found"
        return
    if blocker.project != act.project.id:
        yield "invalid"
    if edge.on_failure == "cancel" and blocker.status in {"failed", "cancelled"}:
        yield "not_allowed"


def _waits_in_a_circle(act: Act, above: list[UUID]) -> bool:
    """Whether a new task would wait for itself, or for what it is a part of."""
    waits: dict[UUID, set[UUID]] = {}
    wholes: dict[UUID, list[UUID]] = {}
    for node, whole in _with_whole(act.job, above):
        waits[node.task_id] = {edge.task_id for edge in node.depends_on}
        wholes[node.task_id] = whole

    def awaited(task_id: UUID, seen: set[UUID]) -> set[UUID]:
        for first in waits.get(task_id, set()) - seen:
            seen.add(first)
            awaited(first, seen)
        return seen

    return any(new in awaited(new, set()) or waits[new] & set(wholes[new]) for new in waits)


def _with_whole(job: CreateTask, above: list[UUID]) -> Iterator[tuple[NewTask, list[UUID]]]:
    """Each new task with all that it is to be a part of."""
    to_visit: list[tuple[NewTask, list[UUID]]] = [(job, above)]
    while to_visit:
        node, whole = to_visit.pop()
        yield node, whole
        to_visit += [(subtask, [*whole, node.task_id]) for subtask in node.subtasks]


def raise_budget(act: Act) -> Reasons:
    if not act.is_owners:
        yield "not_allowed"


def assign(act: Act) -> Reasons:
    worker = act.state.workers.get(act.job.worker_id)
    if worker is None:
        yield "not_found"
        return
    if worker.id not in act.project.members:
        yield "not_a_member"
    yield from unassign(act)
    yield from archived(act)
    is_begun = act.task.status == "in_progress" and not worker.is_human
    if not worker.is_active or is_begun:
        yield "not_allowed"


def unassign(act: Act) -> Reasons:
    yield from in_status(act, *OPEN)
    if act.task.lease is not None:
        yield "not_allowed" if act.task.lease.holder == act.actor else "leased_to_other"


def update(act: Act) -> Reasons:
    """`expected_version` guards against what was not seen."""
    yield from archived(act)
    if act.job.expected_version not in {None, act.task.version}:
        yield "version_conflict"
    if act.job.max_attempts is not None and act.job.max_attempts < act.task.attempt:
        yield "invalid"


def move(act: Act) -> Reasons:
    if act.job.parent_id is None:
        return
    parent = act.state.live_task(act.job.parent_id)
    if parent is None:
        yield "not_found"
        return
    yield from _under(act, parent, act.state.height(act.task))
    if act.task in (parent, *act.state.above(parent)):
        yield "dependency_cycle"
    if act.task.is_open and parent.status not in OPEN:
        yield "illegal_transition"


def _under(act: Act, parent: TaskFacts, levels: int) -> Reasons:
    if parent.project != act.project.id:
        yield "invalid"
    if len(act.state.above(parent)) + 1 + levels > MAX_DEPTH:
        yield "limit_exceeded"


def add_dependency(act: Act) -> Reasons:
    task, blocker = act.task, act.state.live_task(act.job.depends_on_id)
    yield from in_status(act, *OPEN)
    if blocker is None:
        yield "not_found"
        return
    if blocker.project != task.project:
        yield "invalid"
    if (task.id, blocker.id) in act.state.edges:
        yield "already_exists"
    if act.state.waits_for(blocker.id, task.id) or blocker in act.state.above(task):
        yield "dependency_cycle"
    if act.job.on_failure == "cancel" and blocker.status in {"failed", "cancelled"}:
        yield "not_allowed"


def remove_dependency(act: Act) -> Reasons:
    if (act.job.task_id, act.job.depends_on_id) not in act.state.edges:
        yield "not_found"


def comment(act: Act) -> Reasons:
    if act.job.comment_id in act.state.comments:
        yield "already_exists"


def restore(act: Act) -> Reasons:
    """Exactly what was deleted together comes back; what was purged never does."""
    task = act.task
    above = act.state.above(task)
    together = [each for each in (task, *act.state.below(task)) if each.deletion == task.deletion]
    is_whole = not any(each.is_purged for each in together)
    if task.is_live or not is_whole or not all(each.is_live for each in above):
        yield "not_allowed"
    if len(above) + act.state.height(task) > MAX_DEPTH:
        yield "limit_exceeded"


def expire(act: Act) -> Reasons:
    held = act.task.lease
    if held is None or held.token != act.job.token or held.ends_at > act.state.now:
        yield "aborted"


def purge(act: Act) -> Reasons:
    if act.task.is_live or act.task.is_purged:
        yield "aborted"
