"""renew and lease.expire: how a lease goes on, and what happens when it runs out."""

from datetime import timedelta
from uuid import UUID

from jobs.entities import TaskStatus
from jobs.payloads.lifecycle import ExpireLease, FailTask, RenewLease, ReportProgress
from tests.unit.rules.world import NOON, World, new_world


def test_a_renewal_moves_the_end_and_nothing_else() -> None:
    world = new_world()
    task_id, token = world.claimed()
    events = len(world.board.events)
    world.pass_time(seconds=30)

    told = world.do(world.agent, RenewLease(task_id=task_id, token=token, lease_seconds=300))

    expires_at = NOON + timedelta(seconds=330)
    assert (told["token"], told["expires_at"], told["version"]) == (token, expires_at, 2)
    lease = world.lease(task_id)
    assert lease is not None
    assert (lease.expires_at, lease.renewed_at) == (expires_at, NOON + timedelta(seconds=30))
    assert (lease.holder_id, lease.token) == (world.agent, token)
    assert len(world.board.events) == events


def test_a_renewal_does_not_count_as_a_second_task() -> None:
    world = new_world()
    task_id, token = world.claimed()

    world.do(world.agent, RenewLease(task_id=task_id, token=token))

    assert world.board.held[world.tenant_id, world.agent] == 1


def test_a_holder_is_honoured_after_the_end_until_the_reaper_has_been_there() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.pass_time(hours=1)

    world.do(world.agent, RenewLease(task_id=task_id, token=token))

    assert world.refuse(None, ExpireLease(task_id=task_id, token=token)).code == "aborted"


def test_a_renewing_worker_is_seen() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.pass_time(minutes=2)

    world.do(world.agent, RenewLease(task_id=task_id, token=token))

    assert world.worker(world.agent).last_seen_at == NOON + timedelta(minutes=2)


def test_the_system_may_renew_a_lease_and_nobody_is_seen() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.pass_time(minutes=2)

    world.do(None, RenewLease(task_id=task_id, token=token, lease_seconds=5))

    assert world.worker(world.agent).last_seen_at == NOON


def test_what_is_not_leased_cannot_be_renewed() -> None:
    world = new_world()
    task_id = world.create()

    assert world.refuse(world.agent, RenewLease(task_id=task_id)).code == "lease_lost"
    assert world.refuse(world.agent, RenewLease(task_id=task_id, token=1)).code == "lease_lost"


def test_a_holder_without_the_token_has_lost_the_lease() -> None:
    world = new_world()
    task_id, _ = world.claimed()

    assert world.refuse(world.agent, RenewLease(task_id=task_id)).code == "lease_lost"


def test_a_stranger_to_the_lease_is_told_whose_it_is_not() -> None:
    world = new_world()
    task_id, token = world.claimed()

    for claimed in (None, token):
        job = RenewLease(task_id=task_id, token=claimed)
        assert world.refuse(world.other, job).code == "leased_to_other"
        assert world.refuse(world.stranger, job).code == "not_a_member"


def test_an_older_token_changes_nothing_any_more() -> None:
    world = new_world()
    task_id, old = world.claimed()
    _run_out(world, task_id, old)
    token = world.claim(world.agent, task_id)

    refusal = world.refuse(world.agent, ReportProgress(task_id=task_id, percent=9, token=old))

    assert refusal.code == "lease_lost"
    assert (refusal.observed.status, refusal.observed.version) == ("in_progress", 4)
    world.do(world.agent, ReportProgress(task_id=task_id, percent=9, token=token))


def test_an_expired_lease_puts_the_task_back_and_counts_as_an_attempt() -> None:
    world = new_world()
    task_id, token = world.claimed()

    _run_out(world, task_id, token)

    task = world.task(task_id)
    assert (task.status, task.attempt, task.assignee_id) == ("pending", 1, None)
    assert task.failure == {"reason": "lease expired"}
    assert world.lease(task_id) is None
    kind, data = world.event()
    assert (kind, data["lease"]) == ("task.lease_expired", None)


def test_the_last_expiry_fails_the_task() -> None:
    world = new_world()
    task_id = world.create(max_attempts=2)

    for _ in range(2):
        _run_out(world, task_id, world.claim(world.agent, task_id))

    assert (world.task(task_id).status, world.task(task_id).attempt) == ("failed", 2)


def test_expiry_puts_the_former_assignee_back() -> None:
    world = new_world()
    task_id, token = world.claimed(assignee_id=world.agent)

    _run_out(world, task_id, token)

    assert world.task(task_id).assignee_id == world.agent


def test_a_blocked_task_stays_blocked_when_its_lease_expires() -> None:
    world = new_world()
    task_id = world.blocked(leased=True)

    _run_out(world, task_id, 1)

    task = world.task(task_id)
    assert (task.status, task.attempt, task.assignee_id) == (TaskStatus.BLOCKED, 0, None)
    assert world.lease(task_id) is None


def test_a_lease_that_goes_on_does_not_expire() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.pass_time(seconds=59)

    assert world.refuse(None, ExpireLease(task_id=task_id, token=token)).code == "aborted"


def test_an_expiry_comes_too_late_for_a_lease_that_has_ended() -> None:
    world = new_world()
    task_id, token = world.claimed()
    world.do(world.agent, FailTask(task_id=task_id, token=token, reason="crashed"))
    world.pass_time(hours=1)

    assert world.refuse(None, ExpireLease(task_id=task_id, token=token)).code == "aborted"

    world.claim(world.agent, task_id)
    world.pass_time(hours=1)
    assert world.refuse(None, ExpireLease(task_id=task_id, token=token)).code == "aborted"


def _run_out(world: World, task_id: UUID, token: int) -> None:
    world.pass_time(seconds=60)
    world.do(None, ExpireLease(task_id=task_id, token=token))
