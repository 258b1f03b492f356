"""Hypothesis looks for a story of crashes, duplicates and losses that breaks a promise."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar
from uuid import UUID, uuid4

from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import (
    ClaimTask,
    CompleteTask,
    FailTask,
    ReleaseTask,
    ReportProgress,
    SubmitTask,
)
from jobs.payloads.task import CommentTask
from settings import Settings
from tests.databases import Database, administer, named
from tests.history.machine import Machine
from worker.runtime import Runtime

ResultT = TypeVar("ResultT")
IMPATIENT = {"missing_row_grace_seconds": 0.0, "after_limit_seconds": 0.0}
EXAMPLES, STEPS = 15, 30
TOKENS = st.sampled_from([None, 1, 1, 2, 3])
CHANCE = st.randoms(use_true_random=False)


class Stories(RuleBasedStateMachine):
    """Each example has a database of its own. `servers` and `template` are set by the test."""

    servers: Settings
    template: str

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.name = f"test_{uuid4().hex}"
        create = f"CREATE DATABASE {self.name} TEMPLATE {self.template}"
        self.run(administer(self.servers, create))
        settings = named(self.servers, self.name).model_copy(update=IMPATIENT)
        self.database = Database(settings)
        engines = self.database.engine("worker"), self.database.engine("keeper")
        redis = ArqRedis(connection_pool=FakeAsyncRedis().connection_pool)
        runtime = Runtime(settings, *engines, redis=redis, emit=lambda _: None)
        self.machine = Machine(self.database, runtime)
        self.tasks: list[UUID] = []
        self.sent: list[AnyJob] = []
        self.run(self.machine.begin())

    @rule(is_durable=st.booleans())
    def create(self, *, is_durable: bool) -> None:
        self.tasks.append(uuid7())
        self.send(self.machine.cast.task(self.tasks[-1]), is_durable=is_durable)

    @precondition(lambda self: self.tasks)
    @rule(random=CHANCE, token=TOKENS, kind=st.integers(0, 6), is_durable=st.booleans())
    def ask(self, random: Random, token: int | None, kind: int, *, is_durable: bool) -> None:
        task, cast = random.choice(self.tasks[-3:]), self.machine.cast
        payloads: list[Payload] = [
            ClaimTask(task_id=task),
            ReportProgress(task_id=task, percent=random.randrange(100), token=token),
            CompleteTask(task_id=task, token=token),
            FailTask(task_id=task, reason="No answer.", token=token),
            ReleaseTask(task_id=task, token=token),
            SubmitTask(task_id=task, token=token),
            CommentTask(task_id=task, comment_id=uuid7(), body="So far."),
        ]
        after = [self.sent[-1].id] if random.random() < 0.3 else []
        self.send(cast.by(cast.agent, payloads[kind], after=after), is_durable=is_durable)

    @precondition(lambda self: self.sent)
    @rule(random=CHANCE, is_durable=st.booleans())
    def duplicate(self, random: Random, *, is_durable: bool) -> None:
        self.send(random.choice(self.sent), is_durable=is_durable)

    @rule(random=CHANCE)
    def reorder(self, random: Random) -> None:
        random.shuffle(self.machine.queue)

    @rule(number=st.integers(1, 8), crash=st.sampled_from([None, None, "before", "after"]))
    def work(self, number: int, crash: str | None) -> None:
        self.run(self.machine.work(number, crash))
        assert self.run(self.machine.violations()) == []

    @rule()
    def flush(self) -> None:
        self.machine.flush()

    @rule()
    def sweep(self) -> None:
        self.run(self.machine.sweep())

    @rule()
    def expire_leases(self) -> None:
        self.run(self.machine.expire_leases())
        assert self.run(self.machine.violations()) == []

    def teardown(self) -> None:
        """In the end everything is settled, and every promise was kept."""
        try:
            self.run(self.machine.drain())
            assert self.run(self.machine.violations(is_over=True)) == []
        finally:
            self.run(self.database.dispose())
            self.run(administer(self.servers, f"DROP DATABASE {self.name} WITH (FORCE)"))
            self.runner.close()

    def send(self, job: AnyJob, *, is_durable: bool) -> None:
        self.sent.append(job)
        if is_durable:
            self.run(self.machine.record([job]))
        else:
            self.machine.enqueue([job])

    def run(self, act: Coroutine[Any, Any, ResultT]) -> ResultT:
        return self.runner.run(act)


def test_no_story_breaks_a_promise(servers: Settings, template: str) -> None:
    Stories.servers, Stories.template = servers, template
    run_state_machine_as_test(
        Stories,
        settings=how(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],  # a story is shrunk on demand: that takes minutes
            database=None,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
