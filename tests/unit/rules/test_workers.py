"""Workers: who registers and changes them, what is theirs alone."""

from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.payloads.lifecycle import ClaimTask
from jobs.payloads.worker import DeactivateWorker, ReactivateWorker, RegisterWorker, UpdateWorker
from tests.unit.rules.world import new_world


def test_a_worker_is_registered_by_anybody_or_nobody() -> None:
    world = new_world()

    for actor_id in (None, world.agent):
        job = _agent(handle=f"@by-{'nobody' if actor_id is None else 'agent'}")
        world.apply(world.job(actor_id, job))
        assert world.worker(job.worker_id).version == 1

    assert world.board.events[-1].actor_name == "A agent"


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (WorkerKind.AGENT, {"agent_type": "writer", "capabilities": ["french"]}),
        (WorkerKind.HUMAN, {"email": "ada@example.org", "max_concurrent_tasks": 2}),
    ],
)
def test_a_worker_is_as_its_job_says(kind: WorkerKind, given: dict[str, Any]) -> None:
    world = new_world()
    job = RegisterWorker(worker_id=uuid7(), handle="@ada", name="Ada", kind=kind, **given)

    world.do(None, job)

    worker = world.worker(job.worker_id)
    assert (worker.handle, worker.name, worker.kind) == ("@ada", "Ada", kind)
    assert {name: getattr(worker, name) for name in given} == given


def test_an_unknown_worker_registers_nobody() -> None:
    world = new_world()

    assert world.refuse(uuid7(), _agent()).code == "not_found"


def test_a_workers_id_and_handle_are_its_own() -> None:
    world = new_world()
    first = _agent()
    world.do(None, first)

    same_id = _agent(worker_id=first.worker_id, handle="@other")
    refusal = world.refuse(None, same_id)
    assert (refusal.code, refusal.observed.version) == ("already_exists", 1)
    assert world.refuse(None, _agent()).code == "already_exists"


def test_a_handle_that_a_refused_job_wanted_stays_free() -> None:
    world = new_world()

    world.refuse(uuid7(), _agent())

    world.do(None, _agent())


def test_a_worker_changes_only_in_what_is_given() -> None:
    world = new_world()
    payload = UpdateWorker(worker_id=world.agent, name="Writer", capabilities=["copy"])

    updated = world.do(world.agent, payload)

    worker = world.worker(world.agent)
    assert (worker.name, worker.capabilities, worker.agent_type) == ("Writer", ["copy"], "writer")
    assert updated["changed"] == ["capabilities", "name"]
    assert world.do(world.agent, payload)["changed"] == []


def test_a_workers_limit_is_cleared_by_null() -> None:
    world = new_world()
    world.do(world.human, UpdateWorker(worker_id=world.agent, max_concurrent_tasks=1))
    world.claimed()
    task = world.create()
    assert world.refuse(world.agent, ClaimTask(task_id=task)).code == "limit_exceeded"

    world.do(world.human, UpdateWorker(worker_id=world.agent, max_concurrent_tasks=None))

    world.claim(world.agent, task)


def test_a_handle_is_one_workers() -> None:
    world = new_world()
    taken = world.worker(world.other).handle

    refusal = world.refuse(world.human, UpdateWorker(worker_id=world.agent, handle=taken))
    world.do(world.human, UpdateWorker(worker_id=world.agent, handle="@new"))

    assert (refusal.code, world.worker(world.agent).handle) == ("already_exists", "@new")


def test_a_handle_that_is_given_up_is_free_for_others() -> None:
    world = new_world()
    old = world.worker(world.agent).handle

    world.do(world.agent, UpdateWorker(worker_id=world.agent, handle="@new"))
    world.do(None, _agent(handle=old))

    back = UpdateWorker(worker_id=world.agent, handle=old)
    assert world.refuse(world.agent, back).code == "already_exists"


def test_a_refused_change_of_handle_gives_nothing_up() -> None:
    world = new_world()
    old, taken = world.worker(world.agent).handle, world.worker(world.other).handle

    world.refuse(world.human, UpdateWorker(worker_id=world.agent, handle=taken))

    assert world.refuse(None, _agent(handle=old)).code == "already_exists"


def test_humans_and_the_system_change_any_worker() -> None:
    world = new_world()

    for number, actor in enumerate((world.stranger, None)):
        payload = UpdateWorker(worker_id=world.agent, name=f"Name {number}")
        assert world.do(actor, payload)["changed"] == ["name"]


def test_who_is_deactivated_changes_nothing_not_even_himself() -> None:
    world = new_world()
    world.do(world.owner, DeactivateWorker(worker_id=world.human))

    for payload in (
        UpdateWorker(worker_id=world.human, name="Back"),
        ReactivateWorker(worker_id=world.human),
    ):
        assert world.refuse(world.human, payload).code == "not_allowed"
    world.do(world.owner, ReactivateWorker(worker_id=world.human))


def test_fields_of_the_other_kind_of_worker_are_refused() -> None:
    world = new_world()

    email = world.refuse(world.human, UpdateWorker(worker_id=world.agent, email="a@b.c"))
    kind = world.refuse(world.human, UpdateWorker(worker_id=world.human, agent_type="writer"))

    assert (email.code, kind.code) == ("invalid", "invalid")


def test_a_worker_that_nobody_knows_or_that_has_changed_is_not_changed() -> None:
    world = new_world()

    nobody = world.refuse(world.human, UpdateWorker(worker_id=uuid4(), name="N"))
    stale = UpdateWorker(worker_id=world.agent, name="N", expected_version=9)

    assert nobody.code == "not_found"
    assert world.refuse(world.human, stale).code == "version_conflict"


def _agent(**fields: Any) -> RegisterWorker:
    given = {"worker_id": uuid7(), "handle": "@scribe", "name": "Scribe"} | fields
    return RegisterWorker(kind=WorkerKind.AGENT, agent_type="writer", **given)
