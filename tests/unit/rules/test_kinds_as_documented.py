"""One life in which every kind is applied: it answers and appends what the reference says."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import KINDS, PAYLOADS
from jobs.payloads.base import Payload
from jobs.payloads.budget import Budget, Limit, Usage
from jobs.payloads.lifecycle import (
    ApproveTask,
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    ExpireLease,
    FailTask,
    ProvideInput,
    RecurTask,
    RejectTask,
    ReleaseTask,
    RemindTask,
    RenewLease,
    ReopenTask,
    ReportProgress,
    ReportUsage,
    RequestInput,
    RetryTask,
    StartTask,
    SubmitTask,
    UnblockTask,
)
from jobs.payloads.project import (
    AddMember,
    ArchiveProject,
    ArchiveTasks,
    CompleteTasks,
    CreateProject,
    DeleteProject,
    RemoveMember,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.payloads.question import Question
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CommentTask,
    CreateTask,
    DeleteTask,
    MoveTask,
    PurgeTask,
    RaiseBudget,
    RemoveDependency,
    RestoreTask,
    UnassignTask,
    UpdateTask,
)
from jobs.payloads.worker import (
    DeactivateWorker,
    ReactivateWorker,
    RegisterWorker,
    UpdateWorker,
)
from ops.reference.kinds import words
from tests.unit.rules.recurring import DUE, daily
from tests.unit.rules.world import World, new_world

Act = Callable[[World], tuple[UUID | None, Payload]]
LIMITED = Budget(tokens=Limit(soft=1, hard=2))


def _of_project(payload: type[Payload], **fields: object) -> Act:
    return lambda w: (w.owner, payload(project_id=w.project_id, **fields))


def _of_a_member(payload: type[Payload]) -> Act:
    return lambda w: (w.owner, payload(project_id=w.project_id, worker_id=_busy(w)))


def _of_worker(payload: type[Payload], **fields: object) -> Act:
    return lambda w: (w.owner, payload(worker_id=_busy(w), **fields))


def _of_new(payload: type[Payload], **fields: object) -> Act:
    return lambda w: (w.human, payload(task_id=w.create(), **fields))


def _of_started(payload: type[Payload], **fields: object) -> Act:
    return lambda w: (w.human, payload(task_id=w.started(budget=LIMITED), **fields))


def _of_claimed(payload: type[Payload], **fields: object) -> Act:
    def act(world: World) -> tuple[UUID | None, Payload]:
        task_id, token = world.claimed()
        return world.agent, payload(task_id=task_id, token=token, **fields)

    return act


def _after(before: type[Payload], payload: type[Payload], **fields: object) -> Act:
    """Of a task that something else has been done to."""

    def act(world: World) -> tuple[UUID | None, Payload]:
        task_id = world.started()
        world.do(world.human, before(task_id=task_id, **_GIVEN.get(before, {})))
        return world.owner, payload(task_id=task_id, **fields)

    return act


_GIVEN: dict[type[Payload], dict[str, object]] = {
    BlockTask: {"reason": "rain"},
    RequestInput: {"question": Question(prompt="Which?")},
    FailTask: {"reason": "no network", "permanent": True},
}


def _of_two(payload: type[Payload], *, tied: bool, field: str = "depends_on_id") -> Act:
    def act(world: World) -> tuple[UUID | None, Payload]:
        task_id, other = world.create(), world.create()
        if tied:
            world.do(world.owner, AddDependency(task_id=task_id, depends_on_id=other))
        return world.owner, payload(task_id=task_id, **{field: other})

    return act


def _busy(world: World) -> UUID:
    """The agent, who holds a task and is given another one."""
    world.claimed()
    world.do(world.owner, AssignTask(task_id=world.create(), worker_id=world.agent))
    return world.agent


def _expiring(world: World) -> tuple[UUID | None, Payload]:
    task_id, token = world.claimed()
    world.pass_time(minutes=2)
    return None, ExpireLease(task_id=task_id, token=token)


def _recurring(world: World) -> tuple[UUID | None, Payload]:
    task_id = world.create(**daily(trigger="on_due"))
    world.pass_time(hours=2)
    return None, RecurTask(task_id=task_id, scheduled_at=DUE)


def _due(world: World) -> tuple[UUID | None, Payload]:
    due_at = world.board.now + timedelta(hours=1)
    task_id = world.create(due_at=due_at, assignee_id=world.human)
    return None, RemindTask(task_id=task_id, due_at=due_at, horizon="1h")


def _archived(world: World) -> tuple[UUID | None, Payload]:
    world.do(world.owner, ArchiveProject(project_id=world.project_id))
    return world.owner, UnarchiveProject(project_id=world.project_id)


def _deleted(world: World) -> tuple[UUID | None, Payload]:
    world.do(world.owner, DeleteProject(project_id=world.project_id))
    world.board.slugs.clear()
    return world.owner, RestoreProject(project_id=world.project_id)


def _deactivated(world: World) -> tuple[UUID | None, Payload]:
    world.do(world.owner, DeactivateWorker(worker_id=world.other))
    return world.owner, ReactivateWorker(worker_id=world.other)


def _settled(world: World) -> tuple[UUID | None, Payload]:
    world.do(world.human, CancelTask(task_id=world.create()))
    return world.owner, ArchiveTasks(project_id=world.project_id)


ACTS: list[Act] = [
    lambda w: (w.owner, CreateProject(project_id=uuid7(), slug="next", name="Next")),
    _of_project(UpdateProject, name="Anew"),
    _of_project(ArchiveProject),
    _archived,
    _of_project(DeleteProject),
    _deleted,
    lambda w: (w.owner, AddMember(project_id=w.project_id, worker_id=w.stranger)),
    _of_a_member(RemoveMember),
    lambda w: (w.create() and w.human, CompleteTasks(project_id=w.project_id)),
    _settled,
    lambda w: (
        w.owner,
        RegisterWorker(worker_id=uuid7(), handle="@new", name="New", kind=WorkerKind.HUMAN),
    ),
    _of_worker(UpdateWorker, name="Anew"),
    _of_worker(DeactivateWorker),
    _deactivated,
    lambda w: (w.owner, CreateTask(project_id=w.project_id, task_id=uuid7(), title="Write")),
    _of_new(UpdateTask, title="Rewrite"),
    _of_two(MoveTask, tied=False, field="parent_id"),
    lambda w: (w.owner, AssignTask(task_id=w.create(), worker_id=w.human)),
    _of_started(UnassignTask),
    lambda w: (w.agent, ClaimTask(task_id=w.create())),
    lambda w: (w.create() and w.agent, DispatchTasks(limit=2)),
    _of_claimed(RenewLease),
    _of_claimed(ReleaseTask),
    _of_new(StartTask),
    _of_started(ReportProgress, percent=5, usage=Usage(tokens=3)),
    _of_started(ReportUsage, usage=Usage(tokens=1)),
    lambda w: (w.owner, RaiseBudget(task_id=w.create(), budget=LIMITED)),
    _of_claimed(BlockTask, reason="rain"),
    _after(BlockTask, UnblockTask),
    _of_claimed(RequestInput, question=Question(prompt="Which?")),
    _after(RequestInput, ProvideInput, answer="this"),
    _of_claimed(SubmitTask, usage=Usage(tokens=1)),
    _after(SubmitTask, ApproveTask),
    _after(SubmitTask, RejectTask, reason="too short"),
    lambda w: (w.human, CompleteTask(task_id=w.started(**daily()))),
    _of_claimed(FailTask, reason="no network"),
    _after(FailTask, RetryTask),
    _of_started(CancelTask),
    _after(CompleteTask, ReopenTask),
    _of_new(CommentTask, comment_id=uuid7(), body="Hm"),
    _of_started(DeleteTask),
    _after(DeleteTask, RestoreTask),
    _of_two(AddDependency, tied=False),
    _of_two(RemoveDependency, tied=True),
    _expiring,
    _due,
    _recurring,
    lambda w: (None, _after(DeleteTask, PurgeTask)(w)[1]),
]


@pytest.mark.parametrize("number", range(len(ACTS)))
def test_an_applied_job_answers_and_appends_what_is_documented(number: int) -> None:
    world = new_world()
    actor_id, payload = ACTS[number](world)
    said = words(KINDS[type(payload)])
    before = len(world.board.events)

    result = world.do(actor_id, payload)

    appended = {event.kind for event in world.board.events[before:]}
    assert set(result) == set(said["outcome"])
    assert appended <= {*said["events"], *said.get("follows", ())}
    assert bool(appended & set(said["events"])) == bool(said["events"])


def test_every_kind_is_applied_once() -> None:
    applied = [KINDS[type(act(new_world())[1])] for act in ACTS]

    assert sorted(applied) == sorted(PAYLOADS)
