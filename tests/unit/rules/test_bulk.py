"""Many tasks of a project at once: the eligible ones, and a reason for every other."""

from datetime import timedelta

from jobs.entities import ApprovalPolicy
from jobs.payloads.lifecycle import (
    BlockTask,
    CancelTask,
    CompleteTask,
    ReopenTask,
    SubmitTask,
)
from jobs.payloads.project import ArchiveTasks, CompleteTasks
from jobs.payloads.task import NewDependency, RestoreTask
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
        world.pass_time(**_ONE_SECOND)
        tasks.append(world.create())

    outcome = world.do(world.human, _complete(world, limit=2))

    assert [world.task(t).status for t in tasks] == ["completed", "completed", "pending"]
    assert outcome["left"] == {"limit": 1}


def test_what_an_earlier_job_of_the_batch_settled_is_left() -> None:
    world = new_world()
    task = world.create()
    bulk = world.job(world.human, _complete(world))
    world.apply(bulk)
    found = dict(world.board.eligible)

    world.do(world.owner, _complete(world))
    world.board.eligible = found
    again = world.decide(world.human, _complete(world)).result

    assert (again["completed"], again["left"]) == (0, {"changed_meanwhile": 1})
    assert world.task(task).version == 2


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
    root = world.create()
    parts = [world.create(parent_id=root) for _ in range(2)]
    lonely = world.create()
    for task in (*parts, root, lonely):
        world.do(world.human, CompleteTask(task_id=task))

    outcome = world.do(world.owner, _archive(world, limit=2))

    assert (outcome["archived"], outcome["left"]) == (1, {"limit": 3})
    assert world.task(root).deleted_at is None
    outcome = world.do(world.owner, _archive(world, limit=4))
    assert (outcome["archived"], outcome["left"]) == (3, {})
    assert world.task(lonely).deleted_at is not None


def test_what_has_open_tasks_below_it_is_not_archived() -> None:
    world = new_world()
    root = world.create()
    part = world.create(parent_id=root)
    world.do(world.human, CompleteTask(task_id=root, cascade=True))
    world.task(part).status = world.task(world.create()).status

    outcome = world.do(world.owner, _archive(world))

    assert (outcome["archived"], outcome["left"]) == (0, {"open_subtasks": 1})


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


_ONE_SECOND = {"seconds": timedelta(seconds=1).total_seconds()}


def _complete(world: World, limit: int = 1_000) -> CompleteTasks:
    return CompleteTasks(project_id=world.project_id, limit=limit)


def _archive(world: World, *, limit: int = 1_000, include_open: bool = False) -> ArchiveTasks:
    return ArchiveTasks(project_id=world.project_id, limit=limit, include_open=include_open)
