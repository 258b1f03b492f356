"""Which jobs may be applied beside others that are being applied."""

from random import Random
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from jobs.codec import Poison, Reference, Request
from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import ClaimTask, CompleteTask
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CommentTask, CreateTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job
from worker.deliveries import Delivery
from worker.queue.forming import Batch, formed
from worker.queue.holding import Entry
from worker.queue.touched import Touched, touched_by

TENANT, AGENT, PROJECT = uuid7(), uuid7(), uuid7()


MANY = 1_000_000


def entry(request: Request, size: int = 1) -> Entry:
    delivery = Delivery("id", request)
    return Entry(0, uuid4().bytes, "token", delivery, 1.0, 0.0, touched_by(request), size)


def job(payload: Payload, actor_id: UUID | None = AGENT, **header: Any) -> AnyJob:
    return new_job(payload, TENANT, actor_id, **header)


def comment(task_id: UUID) -> AnyJob:
    return job(CommentTask(task_id=task_id, comment_id=uuid7(), body="So"))


def create(task_id: UUID | None = None) -> AnyJob:
    return job(CreateTask(task_id=task_id or uuid7(), project_id=PROJECT, title="New"))


def applying(*jobs: AnyJob) -> list[Touched]:
    batch, _ = formed([entry(one) for one in jobs], [], MANY, MANY)
    return [batch.touched]


def chosen(waiting: list[AnyJob], beside: list[Touched]) -> list[AnyJob]:
    batch, _ = formed([entry(one) for one in waiting], beside, MANY, MANY)
    return [one.delivery.request for one in batch.entries]  # type: ignore[misc]  # all are jobs


def test_what_concerns_other_tasks_is_applied_at_the_same_time() -> None:
    claims = [job(ClaimTask(task_id=uuid7())) for _ in range(2)]

    assert chosen(claims[1:], applying(claims[0])) == claims[1:]


def test_what_concerns_the_same_task_waits_and_so_does_all_behind_it() -> None:
    task, other = uuid7(), uuid7()
    both = job(CompleteTask(task_id=task), after=[comment(other).id])
    waiting = [both, comment(task), comment(other)]

    assert chosen(waiting, applying(job(ClaimTask(task_id=task)))) == waiting[2:]


def test_what_waits_for_a_job_that_is_being_applied_is_not_begun() -> None:
    first = create()

    assert chosen([job(CompleteTask(task_id=uuid7()), after=[first.id])], applying(first)) == []


def test_the_same_job_delivered_twice_is_applied_once_at_a_time() -> None:
    once = create()

    assert chosen([once], applying(once)) == []


def test_who_needs_a_project_or_worker_that_is_being_made_waits_for_it() -> None:
    made = job(CreateProject(project_id=PROJECT, slug="new", name="New", owner_id=AGENT))
    worker = RegisterWorker(worker_id=AGENT, handle="@new", name="New", kind="human")
    member = job(AddMember(project_id=PROJECT, worker_id=uuid7()), actor_id=uuid7())

    assert chosen([create(), member], applying(made)) == []
    assert chosen([create()], applying(job(worker, actor_id=None))) == []


def test_new_tasks_of_one_project_are_made_at_the_same_time() -> None:
    tasks = [create() for _ in range(3)]

    assert chosen(tasks[1:], applying(tasks[0])) == tasks[1:]


def test_what_cannot_be_read_waits_for_nobody() -> None:
    poison = Poison(b"?", "unreadable", "not JSON")
    reference = Reference(TENANT, uuid7())

    batch, others = formed([entry(poison), entry(reference)], applying(create()), 2, MANY)

    assert (len(batch.entries), others) == (2, [])


def test_a_batch_is_bounded_in_bytes_and_the_first_one_always_fits() -> None:
    large, *small = [entry(create(), size) for size in (11, 5, 5, 1)]

    first, behind_first = formed([large, *small], [], MANY, most_bytes=10)
    second, behind_second = formed(small, [], MANY, most_bytes=10)

    assert (first.entries, behind_first) == ([large], small)
    assert (second.entries, behind_second) == (small[:2], small[2:])


@given(seed=st.integers(), most=st.integers(1, 30))
def test_nothing_is_lost_doubled_or_overtaken_by_what_touches_the_same(
    seed: int, most: int
) -> None:
    random = Random(seed)  # noqa: S311 - jobs, not secrets
    tasks = [uuid7() for _ in range(6)]
    entries = [entry(comment(random.choice(tasks))) for _ in range(40)]
    beside = applying(*(comment(random.choice(tasks)) for _ in range(random.randrange(3))))

    batch, others = formed(entries, beside, most, MANY)

    assert sorted(map(entries.index, batch.entries + others)) == list(range(40))
    assert len(batch.entries) <= most
    _require_in_order(entries, batch, others)
    assert all(one.is_clear_of(*_ids(e)) for e in batch.entries for one in beside)


def _require_in_order(entries: list[Entry], batch: Batch, others: list[Entry]) -> None:
    for kept in others:
        behind = Touched()
        behind.add(*_ids(kept))
        overtaken = [e for e in batch.entries if entries.index(e) > entries.index(kept)]
        assert all(behind.is_clear_of(*_ids(e)) for e in overtaken)


def _ids(one: Entry) -> Any:
    return touched_by(one.delivery.request)
