"""A tenant in PostgreSQL, and the model that follows it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.envelope import AnyJob
from jobs.outcomes import Applied, Rejected
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import DispatchTasks
from jobs.payloads.project import ArchiveTasks, CompleteTasks
from tests.databases import Database
from tests.engine import Apply, Engine
from tests.model.act import Act
from tests.model.batches import Author, deliveries
from tests.model.dispatch import grant
from tests.model.judge import judge
from tests.model.picking import Picker
from tests.model.pictures import differences, picture_of_board, picture_of_state
from tests.model.rows import read_board
from tests.model.state import State
from tests.model.wishes import beginning
from worker.deliveries import Disposition, HandedBack, Settled
from worker.runtime import Runtime

POLICIES = ["none", "none", "critical", "all"]
BULK: tuple[type[Payload], ...] = (CompleteTasks, ArchiveTasks)
"""What they settle is found when a batch is read."""
EXPIRE_ALL = """
    UPDATE taskrail.lease SET expires_at = clock_timestamp() - interval '1 second'
    WHERE tenant_id = :tenant_id
"""


class Tenant:
    """Jobs are applied in one form, until each is settled."""

    def __init__(self, form: Apply, runtime: Runtime, database: Database) -> None:
        # Whatever is missing is missed at once: what comes later in a batch has not happened yet.
        impatient = runtime.settings.model_copy(update={"missing_row_grace_seconds": 0.0})
        self.form = form
        self.runtime = replace(runtime, settings=impatient)
        self.engine = Engine(form, runtime, database.superuser)
        self.id = uuid7()

    async def settle(self, jobs: Sequence[AnyJob]) -> list[tuple[AnyJob, Any]]:
        """Each with its outcome, in the order of effect: who is handed back comes last."""
        settled: list[tuple[AnyJob, Any]] = []
        left = list(jobs)
        while left:
            answers = await self.apply(left)
            pairs = list(zip(left, answers, strict=True))
            settled += [(job, a.outcome) for job, a in pairs if isinstance(a, Settled)]
            left = [job for job, a in pairs if isinstance(a, HandedBack)]
            assert all(isinstance(a, Settled | HandedBack) for a in answers), answers
        return settled

    async def apply(self, jobs: Sequence[AnyJob]) -> list[Disposition]:
        return await self.form(deliveries(jobs), self.runtime)

    async def expire_all(self) -> None:
        """Nobody has come back in time."""
        await self.engine.execute(EXPIRE_ALL, tenant_id=self.id)


class Followed(Tenant):
    """Each outcome is the model's, and so are the rows. `first`: kinds that begin their batch."""

    def __init__(
        self,
        form: Apply,
        runtime: Runtime,
        database: Database,
        seed: int,
        first: tuple[type[Payload], ...] = BULK,
    ) -> None:
        super().__init__(form, runtime, database)
        self.random = Random(seed)  # noqa: S311 - a story, not a secret
        self.pick = Picker(State(datetime.now(UTC)), self.random, has_store=True)
        self.author = Author(self.id, self.pick, first)

    async def begin(self) -> list[tuple[AnyJob, Any]]:
        await self.engine.create_tenant(self.id)
        policy = self.random.choice(POLICIES)
        return await self.settle([self.author.job(ask) for ask in beginning(self.pick, policy)])

    async def settle(self, jobs: Sequence[AnyJob]) -> list[tuple[AnyJob, Any]]:
        self.pick.state.now = datetime.now(UTC)
        settled = await super().settle(jobs)
        for job, outcome in settled:
            self.judge(job, outcome)
        return settled

    def judge(self, job: AnyJob, outcome: Any) -> None:
        assert isinstance(outcome, Applied | Rejected), outcome
        state, payload = self.pick.state, job.payload
        if isinstance(outcome, Applied) and isinstance(payload, DispatchTasks):
            tasks = [UUID(str(task["id"])) for task in outcome.result["tasks"]]
            grant(Act(state, job.actor_id, payload, job.id), tasks)
            return
        reasons = judge(state, (job.actor_id, payload), job.id)
        if isinstance(outcome, Rejected):
            assert outcome.code in reasons, f"{outcome}, and not {reasons}, of {job}"
        else:
            assert not reasons, f"{reasons} stand against {job}"

    async def check(self) -> None:
        """The rows are as the model says."""
        state = self.pick.state
        board = await read_board(self.engine.superuser, self.id)
        state.learn_versions({task.id: task.version for task in board.tasks.values()})
        assert differences(picture_of_board(board, state), picture_of_state(state)) == []

    async def expire_all(self) -> None:
        await super().expire_all()
        for task in self.pick.state.tasks.values():
            if task.lease is not None:
                task.lease.ends_at = self.pick.state.now
