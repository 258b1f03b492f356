"""fail: which attempts count, and who tries next."""

from jobs.payloads.lifecycle import FailTask, RejectTask
from tests.unit.rules.world import new_world


def test_a_failed_attempt_is_tried_again_by_whoever_had_the_task_before() -> None:
    world = new_world()
    task_id, token = world.claimed()
    job = FailTask(task_id=task_id, token=token, reason="no network", details={"host": "a"})

    told = world.do(world.agent, job)

    assert (told["status"], told["attempt"], told["max_attempts"]) == ("pending", 1, 3)
    task = world.task(task_id)
    assert task.assignee_id is None
    assert task.failure == {"reason": "no network", "details": {"host": "a"}, "permanent": False}
    assert world.lease(task_id) is None


def test_a_failed_attempt_without_a_lease_leaves_the_assignee() -> None:
    world = new_world()
    task_id = world.started()

    world.do(world.human, FailTask(task_id=task_id, reason="ill"))

    assert world.task(task_id).assignee_id == world.human


def test_a_task_fails_when_its_attempts_are_used_up() -> None:
    world = new_world()
    task_id = world.create(max_attempts=2)

    for expected in ("pending", "failed"):
        token = world.claim(world.agent, task_id)
        world.do(world.agent, FailTask(task_id=task_id, token=token, reason="no network"))
        assert world.task(task_id).status == expected


def test_a_permanent_failure_is_final_at_once() -> None:
    world = new_world()
    task_id, token = world.claimed()

    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="no", permanent=True))

    assert (world.task(task_id).status, world.task(task_id).attempt) == ("failed", 1)


def test_a_rejection_is_no_attempt() -> None:
    world = new_world()
    task_id = world.submitted()

    world.do(world.owner, RejectTask(task_id=task_id, reason="too short"))

    assert world.task(task_id).attempt == 0
