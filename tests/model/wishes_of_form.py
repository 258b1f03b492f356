"""Jobs about what a task is, whose it is and where it stands, at random."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from jobs.payloads.budget import Budget, Limit
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CommentTask,
    CreateTask,
    DeleteTask,
    MoveTask,
    NewDependency,
    NewTask,
    PriorityWord,
    PurgeTask,
    RaiseBudget,
    RemoveDependency,
    RestoreTask,
    UnassignTask,
    UpdateTask,
)
from tests.model.act import Request
from tests.model.picking import RECENT, Picker
from tests.model.state import TaskFacts

WORDS: Sequence[PriorityWord] = ["low", "medium", "high", "critical"]
POLICIES = ["block", "block", "cancel", "ignore"]


def create(pick: Picker) -> Request:
    project_id = pick.project_id(is_archived=False)
    peers = _tasks_of(pick, project_id)
    subtasks = [_new(pick, project_id, peers) for _ in range(pick.one([0, 0, 0, 1, 2]))]
    if subtasks and pick.chance(30):
        below = NewTask(**_new(pick, project_id, peers))
        subtasks[0] = subtasks[0] | {"subtasks": [below]}
    new = _new(pick, project_id, peers)
    open_peers = [peer.id for peer in peers if peer.is_open]
    parent_id = pick.maybe(35, pick.one(open_peers)) if open_peers else None
    if parent_id is None and pick.chance(2):
        new["task_id"] = pick.task_id()
    if subtasks and pick.chance(20):
        edge = NewDependency(task_id=subtasks[-1]["task_id"])
        new["depends_on"] = [*new["depends_on"], edge]
    tree = [NewTask(**subtask) for subtask in subtasks]
    payload = CreateTask(project_id=project_id, parent_id=parent_id, subtasks=tree, **new)
    return pick.member(project_id), payload


def _new(pick: Picker, project_id: UUID, peers: list[TaskFacts]) -> dict[str, Any]:
    now = pick.state.now
    blockers = {pick.one(peers[-RECENT:]).id for _ in range(pick.one([0, 0, 1, 2])) if peers}
    edges = [NewDependency(task_id=b, on_failure=pick.one(POLICIES)) for b in sorted(blockers)]
    return {
        "task_id": pick.new_id(),
        "title": "Write the text",
        "priority": pick.one(WORDS),
        "assignee_id": pick.maybe(30, pick.member(project_id)),
        "due_at": pick.one([None, now + timedelta(hours=1), now + timedelta(hours=2)]),
        "run_after": pick.maybe(10, now + timedelta(minutes=pick.one([-30, 30]))),
        "required_capabilities": pick.maybe(15, ["french"]) or [],
        "max_attempts": 1 + pick.random.randrange(3),
        "budget": pick.maybe(20, limits(pick)),
        "depends_on": edges,
    }


def limits(pick: Picker) -> Budget:
    soft, more = 1 + pick.random.randrange(8), pick.random.randrange(12)
    both = Limit(soft=soft, hard=soft + more)
    attempts = pick.maybe(30, Limit(hard=1 + pick.random.randrange(3)))
    return Budget(tokens=both, attempts=attempts, money_micros=pick.maybe(30, Limit(hard=7)))


def update(pick: Picker) -> Request:
    task = pick.task()
    task_id = task.id if task else pick.new_id()
    changes: dict[str, Any] = {
        "title": pick.one(["Write the text", "Write it again"]),
        "priority": pick.one(WORDS),
        "due_at": pick.maybe(50, pick.state.now + timedelta(hours=3)),
        "run_after": None,
        "required_capabilities": pick.maybe(50, ["french"]) or [],
        "max_attempts": 1 + pick.random.randrange(3),
    }
    given = {name: changes[name] for name in pick.random.sample(sorted(changes), 2)}
    is_version_known = task is not None and task.id not in pick.state.maybe_told
    if task is not None and is_version_known and pick.chance(40):
        given["expected_version"] = max(1, task.version - (1 if pick.chance(30) else 0))
    return pick.actor(task_id), UpdateTask(task_id=task_id, **given)


def raise_budget(pick: Picker) -> Request:
    task = pick.task("blocked") if pick.chance(50) else pick.task()
    if task is None:
        return pick.anybody(), RaiseBudget(task_id=pick.new_id(), budget=Budget())
    budget = Budget(tokens=Limit(hard=1000)) if pick.chance(60) else limits(pick)
    return pick.boss(task.project), RaiseBudget(task_id=task.id, budget=budget)


def move(pick: Picker) -> Request:
    task = pick.task()
    task_id = task.id if task else pick.new_id()
    peers = [peer.id for peer in _tasks_of(pick, task.project)] if task else []
    to = pick.maybe(70, pick.one(peers[-RECENT:])) if peers else None
    return pick.actor(task_id), MoveTask(task_id=task_id, parent_id=to)


def assign(pick: Picker) -> Request:
    task = pick.task("pending", "in_progress", "review", "blocked")
    if task is None:
        return pick.anybody(), AssignTask(task_id=pick.new_id(), worker_id=pick.anybody())
    payload = AssignTask(task_id=task.id, worker_id=pick.member(task.project))
    return pick.actor(task.id), payload


def unassign(pick: Picker) -> Request:
    task_id = pick.task_id("pending", "in_progress", "review", "blocked")
    return pick.actor(task_id), UnassignTask(task_id=task_id)


def add_dependency(pick: Picker) -> Request:
    task = pick.task("pending", "blocked", "in_progress")
    peers = _tasks_of(pick, task.project) if task else []
    if task is None or len(peers) < 2:
        return create(pick)
    others = [peer.id for peer in peers[-RECENT:] if peer is not task]
    others = others or [peer.id for peer in peers if peer is not task]
    if pick.slips():
        others = [other for other in pick.state.tasks if other != task.id]
    payload = AddDependency(
        task_id=task.id, depends_on_id=pick.one(others), on_failure=pick.one(POLICIES)
    )
    return pick.actor(task.id), payload


def remove_dependency(pick: Picker) -> Request:
    links = [link for link in pick.state.edges if pick.state.live_task(link[0])]
    if links and not pick.slips():
        waiting, blocker = pick.one(links)
    else:
        waiting, blocker = pick.task_id(), pick.task_id()
    return pick.actor(waiting), RemoveDependency(task_id=waiting, depends_on_id=blocker)


def comment(pick: Picker) -> Request:
    task_id, known = pick.task_id(), sorted(pick.state.comments)
    is_repeated = known and pick.has_store and pick.slips()
    comment_id = pick.one(known) if is_repeated else pick.new_id()
    return pick.actor(task_id), CommentTask(task_id=task_id, comment_id=comment_id, body="Hm.")


def delete(pick: Picker) -> Request:
    task_id = pick.task_id()
    return pick.actor(task_id), DeleteTask(task_id=task_id)


def restore(pick: Picker) -> Request:
    task_id = pick.task_id(is_live=False)
    return pick.actor(task_id), RestoreTask(task_id=task_id)


def purge(pick: Picker) -> Request:
    return None, PurgeTask(task_id=pick.task_id(is_live=False))


def _tasks_of(pick: Picker, project_id: UUID) -> list[TaskFacts]:
    """Live ones; sometimes all there are, of any project."""
    tasks = list(pick.state.tasks.values())
    if pick.slips():
        return tasks
    return [task for task in tasks if task.project == project_id and task.is_live]
