"""A checker is worth what it catches: the product with one safeguard taken out is caught."""

import signal
from collections.abc import Sequence

import pytest
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.task import CommentTask
from tests.history.crippled import crippled
from tests.history.directed import Directed, other_tenants_job
from tests.history.mutants import MUTANTS
from tests.waiting import until
from worker.consumer import Consumer

DRAIN_SECONDS, VAIN_SECONDS = 20.0, 2.0
AFTER_A_CRASH = {
    "ledger_in_its_own_transaction": ("after_save", "I3"),
    "acknowledged_before_commit": ("after_save", "I1"),
    "events_after_commit": ("after_commit", "I3"),
    "outbox_after_commit": ("after_commit", "I8"),
}
WITHOUT_ONE = {
    "no_ledger": "I3",
    "no_sweeper": "I2",
    "everything_rejected": "I13",
    "tenant_not_checked": "I9",
}
BY_A_RACE = {"no_lock_and_no_version_guard": {"I5", "I6"}}


@pytest.mark.parametrize("mutant", AFTER_A_CRASH)
async def test_a_mutant_that_crashes_is_caught(directed: Directed, mutant: str) -> None:
    point, invariant = AFTER_A_CRASH[mutant]
    await directed.enqueue(directed.lives())

    async with crippled(directed.scene.settings, mutant=mutant, strike=(point, "exit")) as victim:
        await until(victim.has_ended, seconds=30)
    async with directed.scene.running(Consumer):
        await directed.drained(DRAIN_SECONDS)

    assert invariant in {violation.invariant for violation in await directed.violations()}


@pytest.mark.parametrize("mutant", WITHOUT_ONE)
async def test_a_mutant_is_caught_at_ordinary_work(directed: Directed, mutant: str) -> None:
    jobs = directed.lives()
    if mutant == "no_sweeper":
        await directed.record(jobs)

    async with crippled(directed.scene.settings, mutant=mutant):
        if mutant != "no_sweeper":
            await _each_twice(directed, jobs)
        await directed.drained(VAIN_SECONDS if mutant == "no_sweeper" else DRAIN_SECONDS)

    found = {violation.invariant for violation in await directed.violations()}
    assert WITHOUT_ONE[mutant] in found


async def test_two_mutants_that_race_are_caught(directed: Directed) -> None:
    """One has read tasks and freezes; meanwhile another changes them. No constraint helps."""
    (mutant,) = BY_A_RACE
    await directed.scene.engine.execute("ALTER TABLE taskrail.event DROP CONSTRAINT pk_event")
    patient = directed.scene.settings.model_copy(
        update={"hold_seconds": 30.0, "statement_timeout_ms": 20_000, "command_timeout_seconds": 25}
    )
    created = [directed.scene.cast.task() for _ in range(3)]
    await directed.scene.engine.apply(created)
    await directed.enqueue(_comments(directed, created))

    async with crippled(patient, mutant=mutant, strike=("after_load", "stall")) as sleeper:
        await until(sleeper.has_stopped, seconds=30)
        await directed.scene.engine.apply(_comments(directed, created))
        sleeper.signal(signal.SIGCONT)
        await directed.drained(DRAIN_SECONDS)

    found = {violation.invariant for violation in await directed.violations()}
    assert found >= BY_A_RACE[mutant]


async def test_without_a_mutation_the_same_stories_violate_nothing(directed: Directed) -> None:
    async with crippled(directed.scene.settings):
        await directed.record(directed.lives())
        await _each_twice(directed, directed.lives())
        assert await directed.drained(DRAIN_SECONDS)

    assert await directed.violations() == []


def test_no_mutant_is_without_a_test() -> None:
    assert {*AFTER_A_CRASH, *WITHOUT_ONE, *BY_A_RACE} == MUTANTS.keys()


async def _each_twice(directed: Directed, jobs: Sequence[AnyJob]) -> None:
    """Also when it is settled already; and a stranger meddles."""
    await directed.enqueue(jobs)
    await directed.drained(DRAIN_SECONDS)
    await directed.enqueue([*jobs, await other_tenants_job(directed, jobs[0])])


def _comments(directed: Directed, created: Sequence[AnyJob]) -> list[AnyJob]:
    by, human = directed.scene.cast.by, directed.scene.cast.human
    tasks = [job.payload.task_id for job in created]
    return [by(human, CommentTask(task_id=t, comment_id=uuid7(), body="Me, too.")) for t in tasks]
