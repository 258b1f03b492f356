"""Many tasks of a project at once: the eligible ones, and a reason for every other."""

from uuid import UUID

import pytest

from jobs.entities import ApprovalPolicy
from jobs.payloads.lifecycle import (
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    SubmitTask,
)
from jobs.payloads.project import ArchiveTasks, CompleteTasks
from jobs.payloads.task import DeleteTask, NewDependency, RestoreTask
from jobs.refs import Eligible
from tests.unit.rules.finding import eligible
from tests.unit.rules.world import World, new_world


def test_what_nothing_keeps_from_it_is_completed_and_the_rest_has_a_reason() -> None:
    world = new_world(approval_policy=ApprovalPolicy.CRITICAL)
    pending, working = world.create(), world.started()
    parent = world.create()
    child = world.create(parent_id=parent)
    waiting = world.create(depends_on=[NewDependency(task_id=parent)])
    leased, _ = world.claimed()
    critical = world.create(priority="critical")
    reviewed, blocked = world.started(), world.started()
    world.do(world.human, SubmitTask(task_id=reviewed))
    world.do(world.human, BlockTask(task_id=blocked, reason="rain"))

    outcome = world.do(world.human, _complete(world))

    done = [t for t in (pending, working, child) if world.task(t).status == "completed"]
    assert (outcome["completed"], len(done)) == (3, 3)
    assert outcome["left"] == {
        "open_subtasks": 1,
        "dependencies_unmet": 1,
        "leased": 1,
        "approval_required": 1,
        "review": 1,
        "blocked": 1,
    }
    assert outcome["remaining"] == 6
    untouched = (parent, waiting, leased, critical, reviewed, blocked)
    assert "completed" not in {world.task(t).status for t in untouched}


def test_each_task_tells_of_its_completion_and_the_project_of_their_number() -> None:
    world = new_world()
    for _ in range(3):
        world.create()

    world.do(world.human, _complete(world))

    assert [event.kind for event in world.board.events[-4:]] == ["task.completed"] * 3 + [
        "project.tasks_completed"
    ]
    assert world.event()[1] == {"tasks": {"count": 3}}
    assert world.counted() == (3, 3)


def test_no_more_than_the_limit_are_completed_the_oldest_first() -> None:
    world = new_world()
    tasks = []
    for _ in range(3):
        world.pass_time(seconds=1)
        tasks.append(world.create())

    outcome = world.do(world.human, _complete(world, limit=2))

    assert [world.task(t).status for t in tasks] == ["completed", "completed", "pending"]
    assert outcome["left"] == {"limit": 1}


def test_what_an_earlier_job_of_the_batch_settled_is_not_left_over() -> None:
    world = new_world()
    completed, deleted, submitted = world.create(), world.create(), world.started()
    payload = _complete(world)
    found = eligible(world.board, world.tenant_id, payload.refs(None).bulk)
    world.do(world.human, CompleteTask(task_id=completed))
    world.do(world.human, DeleteTask(task_id=deleted))
    world.do(world.human, SubmitTask(task_id=submitted))
    world.board.eligible = found

    outcome = world.decide(world.human, payload).result

    assert (outcome["completed"], outcome["left"]) == (0, {"changed_meanwhile": 1})
    assert outcome["remaining"] == 1


@pytest.mark.parametrize("kind", [CompleteTasks, ArchiveTasks])
def test_a_job_is_kept_to_its_own_limit_beside_one_that_asks_for_more(kind: type) -> None:
    """What is found for a batch is found once, for the highest limit."""
    world = new_world()
    for _ in range(3):
        task = world.create()
        if kind is ArchiveTasks:
            world.do(world.human, CompleteTask(task_id=task))
    more = kind(project_id=world.project_id, limit=3)
    found = eligible(world.board, world.tenant_id, more.refs(None).bulk)
    payload = kind(project_id=world.project_id, limit=1)
    world.board.eligible = found

    outcome = world.decide(world.owner, payload).result

    assert (outcome["remaining"], outcome["left"]) == (2, {"limit": 2})


def test_where_nothing_is_eligible_nothing_happens() -> None:
    world = new_world()
    events = len(world.board.events)

    outcome = world.do(world.human, _complete(world))

    assert (outcome["completed"], outcome["left"], len(world.board.events)) == (0, {}, events)


def test_a_task_that_is_somebody_elses_at_the_moment_is_left_as_busy() -> None:
    world = new_world()
    task = world.create()
    world.apply(world.job(world.human, _complete(world)))
    busy = world.board.tasks.pop(world.task(task).key)

    outcome = world.decide(world.human, _complete(world)).result

    assert outcome["left"] == {"busy": 1}
    assert busy.status == "completed"


def test_settled_tasks_are_archived_and_come_back() -> None:
    world = new_world()
    done, dropped, pending = world.create(), world.create(), world.create()
    world.do(world.human, CompleteTask(task_id=done))
    world.do(world.human, CancelTask(task_id=dropped))

    outcome = world.do(world.owner, _archive(world))

    is_deleted = [world.task(t).deleted_at is not None for t in (done, dropped, pending)]
    assert (outcome["archived"], is_deleted) == (2, [True, True, False])
    assert world.event() == ("project.tasks_archived", {"tasks": {"count": 2}})
    world.do(world.human, RestoreTask(task_id=done))
    assert world.task(done).deleted_at is None


def test_a_tree_is_archived_whole_or_left() -> None:
    world = new_world()
    small, large = _settled_tree(world, subtasks=1), _settled_tree(world, subtasks=2)
    lonely = _settled_tree(world, subtasks=0)

    outcome = world.do(world.owner, _archive(world, limit=4))
    archived = _deleted(world)
    again = world.do(world.owner, _archive(world, limit=4))

    assert (outcome["archived"], outcome["left"]) == (2, {"limit": 4})
    assert archived == {*small}
    assert (again["archived"], again["left"]) == (4, {})
    assert _deleted(world) == {*small, *large, *lonely}


def test_a_tree_larger_than_a_job_may_take_is_left_and_keeps_no_other_from_it() -> None:
    world = new_world()
    _settled_tree(world, subtasks=3)
    lonely = _settled_tree(world, subtasks=0)

    outcome = world.do(world.owner, _archive(world, limit=3))

    assert (outcome["archived"], outcome["left"]) == (1, {"tree_too_large": 4})
    assert _deleted(world) == {*lonely}


def test_a_tree_that_became_too_large_meanwhile_is_left() -> None:
    world = new_world()
    root, *_ = _settled_tree(world, subtasks=2)
    payload = _archive(world, limit=2)
    found = Eligible((world.task(root).key,), {})
    world.board.eligible = {(world.project().key, "archive"): found}

    outcome = world.decide(world.owner, payload).result

    assert (outcome["archived"], outcome["left"]) == (0, {"tree_too_large": 3})


def test_a_tree_that_an_earlier_job_of_the_batch_archived_is_not_left_over() -> None:
    world = new_world()
    _settled_tree(world, subtasks=1)
    payload = _archive(world)
    found = eligible(world.board, world.tenant_id, payload.refs(None).bulk)
    world.do(world.owner, payload)
    world.board.eligible = found

    outcome = world.decide(world.owner, payload).result

    assert (outcome["archived"], outcome["remaining"]) == (0, 0)


def test_each_archived_tree_comes_back_by_itself() -> None:
    world = new_world()
    root, *parts = _settled_tree(world, subtasks=2)
    lonely = _settled_tree(world, subtasks=0)
    world.do(world.owner, _archive(world))

    restored = world.do(world.human, RestoreTask(task_id=root))

    assert restored["restored"] == 3
    assert _deleted(world) == {*lonely}
    assert {world.task(t).parent_id for t in parts} == {root}


@pytest.mark.parametrize("include_open", [False, True])
def test_what_has_open_tasks_anywhere_below_it_is_not_archived(*, include_open: bool) -> None:
    """Also where a settled task lies between: it was completed, and the one below reopened."""
    world = new_world()
    root = world.create()
    between = world.create(parent_id=root)
    below = world.create(parent_id=between)
    world.do(world.human, CompleteTask(task_id=between, cascade=True))
    world.do(world.human, ReopenTask(task_id=below))
    world.claim(world.agent, below)

    outcome = world.do(world.owner, _archive(world, include_open=include_open))

    reasons = {"open_subtasks": 2, "leased": 1} if include_open else {"open_subtasks": 1}
    assert (outcome["archived"], outcome["left"]) == (0, reasons)


def test_a_tree_of_which_a_part_was_taken_up_meanwhile_is_not_archived() -> None:
    world = new_world()
    root = world.create()
    part = world.create(parent_id=root)
    world.do(world.human, CompleteTask(task_id=root, cascade=True))
    payload = _archive(world)
    found = eligible(world.board, world.tenant_id, payload.refs(None).bulk)
    world.do(world.human, ReopenTask(task_id=part))
    world.board.eligible = found

    outcome = world.decide(world.owner, payload).result

    assert (outcome["archived"], outcome["left"]) == (0, {"changed_meanwhile": 2})


def test_open_tasks_are_archived_on_request_only() -> None:
    world = new_world()
    task = world.create()

    assert world.do(world.owner, _archive(world))["archived"] == 0
    assert world.do(world.owner, _archive(world, include_open=True))["archived"] == 1
    assert world.task(task).deleted_at is not None


def test_members_complete_and_the_owner_archives() -> None:
    world = new_world()

    assert world.refuse(world.stranger, _complete(world)).code == "not_a_member"
    assert world.refuse(world.human, _archive(world)).code == "not_allowed"


def _complete(world: World, limit: int = 1_000) -> CompleteTasks:
    return CompleteTasks(project_id=world.project_id, limit=limit)


def _archive(world: World, *, limit: int = 1_000, include_open: bool = False) -> ArchiveTasks:
    return ArchiveTasks(project_id=world.project_id, limit=limit, include_open=include_open)


def _settled_tree(world: World, *, subtasks: int) -> list[UUID]:
    """Completed tasks, younger than all before; the parent comes first."""
    world.pass_time(seconds=1)
    root = world.create()
    parts = [world.create(parent_id=root) for _ in range(subtasks)]
    for task in (*parts, root):
        world.do(world.human, CompleteTask(task_id=task))
    return [root, *parts]


def _deleted(world: World) -> set[UUID]:
    return {task.id for task in world.board.tasks.values() if task.deleted_at is not None}
