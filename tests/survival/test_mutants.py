"""A checker is worth what it catches: the product with one safeguard taken out is caught."""

import signal
from collections.abc import Sequence

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.lifecycle import ClaimTask, StartTask
from jobs.payloads.task import CommentTask
from tests.history.crippled import Crippled, crippled
from tests.history.directed import Directed, other_tenants_job
from tests.history.mutants import MUTANTS
from tests.history.replay import SNAPSHOT_SECONDS
from tests.waiting import until
from worker.consumer import Consumer

DRAIN_SECONDS, VAIN_SECONDS = 30.0, 1.5
AFTER_A_CRASH = {
    "ledger_in_its_own_transaction": ("after_save", "I3"),
    "acknowledged_before_commit": ("after_save", "I1"),
    "events_after_commit": ("after_commit", "I3"),
    "outbox_after_commit": ("after_commit", "I8"),
}
AT_ORDINARY_WORK = {"no_ledger": "I3", "everything_rejected": "I13"}
OTHERS = {
    "no_sweeper", "no_relay", "reasons_dropped", "tenant_not_checked",
    "no_lock_and_no_version_guard",
}  # fmt: skip
PATIENT = {
    "hold_seconds": 30.0,
    "statement_timeout_ms": 20_000,
    "command_timeout_seconds": 25.0,
}


@pytest.mark.parametrize("mutant", AFTER_A_CRASH)
async def test_a_mutant_that_crashes_is_caught(directed: Directed, mutant: str) -> None:
    point, invariant = AFTER_A_CRASH[mutant]
    await directed.enqueue(directed.lives())

    async with crippled(directed.scene.settings, mutant=mutant, strike=(point, "exit")) as victim:
        await until(lambda: _is_over(victim, directed))
    async with directed.scene.running(Consumer):
        await directed.drained(DRAIN_SECONDS)

    assert invariant in await _found(directed)


@pytest.mark.parametrize("mutant", AT_ORDINARY_WORK)
async def test_a_mutant_is_caught_at_ordinary_work(directed: Directed, mutant: str) -> None:
    async with crippled(directed.scene.settings, mutant=mutant):
        await _each_twice(directed, directed.lives())

    assert AT_ORDINARY_WORK[mutant] in await _found(directed)


async def test_a_mutant_that_never_sweeps_is_caught(directed: Directed) -> None:
    await directed.record(directed.lives())

    async with crippled(directed.scene.settings, mutant="no_sweeper"):
        await directed.drained(VAIN_SECONDS)

    assert "I2" in await _found(directed)


async def test_a_mutant_that_never_publishes_is_caught(directed: Directed) -> None:
    await directed.enqueue(directed.lives())

    async with crippled(directed.scene.settings, mutant="no_relay"):
        await directed.drained(SNAPSHOT_SECONDS + VAIN_SECONDS)

    assert "I8" in await _found(directed)


async def test_a_mutant_that_forgets_why_it_rejects_is_caught(directed: Directed) -> None:
    jobs = directed.lives()

    async with crippled(directed.scene.settings, mutant="reasons_dropped"):
        await directed.enqueue(jobs)
        await directed.drained(DRAIN_SECONDS)
        await directed.enqueue(_late_claims(directed, jobs))
        assert await directed.drained(DRAIN_SECONDS)

    assert await _found(directed) == {"I13"}


async def test_a_mutant_that_takes_any_tenants_word_is_caught(directed: Directed) -> None:
    task = directed.scene.cast.task()
    await directed.enqueue([task])

    async with crippled(directed.scene.settings, mutant="tenant_not_checked"):
        await directed.drained(DRAIN_SECONDS)
        await directed.enqueue([await other_tenants_job(directed, task)])
        await directed.drained(DRAIN_SECONDS)

    assert await _found(directed) >= {"I1", "I9"}


async def test_a_mutant_that_writes_over_others_is_caught(directed: Directed) -> None:
    """It has read tasks and freezes, meanwhile they are begun. No constraint helps."""
    await directed.scene.engine.execute("ALTER TABLE taskrail.event DROP CONSTRAINT pk_event")
    created = [directed.scene.cast.task() for _ in range(3)]
    await directed.scene.engine.apply(created)
    await directed.enqueue(_comments(directed, created))
    patient = directed.scene.settings.model_copy(update=PATIENT)
    mutant, strike = "no_lock_and_no_version_guard", ("after_load", "stall")

    async with crippled(patient, mutant=mutant, strike=strike) as sleeper:
        await until(sleeper.has_stopped)
        await directed.scene.engine.apply(_starts(directed, created))
        sleeper.signal(signal.SIGCONT)
        await until(directed.queue_is_empty, seconds=DRAIN_SECONDS)

    assert await _found(directed) >= {"I5", "I6"}


async def test_without_a_mutation_the_same_stories_violate_nothing(directed: Directed) -> None:
    jobs = directed.lives()
    async with crippled(directed.scene.settings):
        await directed.record(directed.lives())
        await _each_twice(directed, jobs)
        await directed.enqueue(_late_claims(directed, jobs))
        await directed.enqueue([await other_tenants_job(directed, jobs[0])])
        assert await directed.drained(DRAIN_SECONDS)

    assert await directed.violations() == []


def test_no_mutant_is_without_a_test() -> None:
    assert {*AFTER_A_CRASH, *AT_ORDINARY_WORK, *OTHERS} == MUTANTS.keys()


async def _is_over(victim: Crippled, directed: Directed) -> bool:
    """It was struck, or nothing is left: what is acknowledged too early may be given up as lost."""
    return await victim.has_ended() or await directed.is_empty()


async def _found(directed: Directed) -> set[str]:
    return {violation.invariant for violation in await directed.violations()}


async def _each_twice(directed: Directed, jobs: Sequence[AnyJob]) -> None:
    """Also when it is settled already."""
    for _ in range(2):
        await directed.enqueue(jobs)
        await directed.drained(DRAIN_SECONDS)


def _late_claims(directed: Directed, jobs: Sequence[AnyJob]) -> list[AnyJob]:
    """Of tasks that are completed by then."""
    by, human = directed.scene.cast.by, directed.scene.cast.human
    ended = [job.payload.task_id for job in jobs if job.kind == "task.complete"]
    return [by(human, ClaimTask(task_id=task)) for task in ended]


def _comments(directed: Directed, created: Sequence[AnyJob]) -> list[AnyJob]:
    by, human = directed.scene.cast.by, directed.scene.cast.human
    tasks = [job.payload.task_id for job in created]
    return [by(human, CommentTask(task_id=t, comment_id=uuid7(), body="Me, too.")) for t in tasks]


def _starts(directed: Directed, created: Sequence[AnyJob]) -> list[AnyJob]:
    by, human = directed.scene.cast.by, directed.scene.cast.human
    return [by(human, StartTask(task_id=job.payload.task_id)) for job in created]
