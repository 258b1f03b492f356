"""The engine over a real database, with a queue that a test may mistreat: nothing is random here.

The queue is a list. What stands in it is delivered at least once; what is in the ledger comes back
by the sweeper. After each step the checker looks, and at the end all must be settled.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from db.unit_of_work import UnitOfWork
from jobs.codec import Reference
from jobs.envelope import AnyJob
from tests.asking import Cast
from tests.databases import Database
from tests.engine import Engine
from tests.history.checker import INVARIANTS
from tests.history.facts import Violation
from tests.history.invariants.acceptance import i01, i02
from tests.history.invariants.times import i16
from tests.history.reading import read_facts
from tests.history.recording import Fault, History, Operation, content_hash
from worker.apply import apply
from worker.deliveries import Deferred, Delivery, HandedBack
from worker.loops.reaper import reap
from worker.runtime import Runtime

ALWAYS = [invariant for invariant in INVARIANTS if invariant not in {i01, i02, i16}]
"""While jobs are under way some are not settled yet."""
DUE = "SELECT tenant_id, id FROM taskrail.job WHERE status = 'accepted' ORDER BY accepted_at, id"
MOST_ROUNDS = 60


class Crash(Exception):  # noqa: N818 - what happened
    """The process is no more."""


@dataclass(slots=True)
class Machine:
    """One tenant, its queue, and what its clients know."""

    database: Database
    runtime: Runtime
    cast: Cast = field(default_factory=Cast)
    queue: list[Delivery] = field(default_factory=list)
    history: History = field(default_factory=History)
    time: int = 0

    @property
    def engine(self) -> Engine:
        return Engine(apply, self.runtime, self.database.superuser)

    async def begin(self) -> None:
        await self.engine.create_tenant(self.cast.tenant_id)
        await self.engine.apply(self.cast.setting_up())

    async def record(self, jobs: Sequence[AnyJob]) -> None:
        await self.engine.record(jobs)
        self._note("record", jobs)

    def enqueue(self, jobs: Sequence[AnyJob]) -> None:
        self.queue += [Delivery(str(job.id), job) for job in jobs]
        self._note("enqueue", jobs)

    async def work(self, number: int, crash: str | None = None) -> None:
        """The first `number` deliveries are applied; who crashed has settled nothing in the queue.

        `crash`: `before` or `after` the commit.
        """
        batch = self.queue[:number]
        commit = UnitOfWork.commit
        if crash is not None:
            UnitOfWork.commit = crashing(commit, crash)  # type: ignore[method-assign]
        try:
            dispositions = await apply(batch, self.runtime) if batch else []
        except Crash:
            return
        finally:
            UnitOfWork.commit = commit  # type: ignore[method-assign]
        back = [
            delivery
            for delivery, disposition in zip(batch, dispositions, strict=True)
            if isinstance(disposition, Deferred | HandedBack)
        ]
        self.queue = self.queue[number:] + back

    def flush(self) -> None:
        """The queue is gone, and with it what stood nowhere else."""
        lost = [delivery.arq_id for delivery in self.queue]
        self.time += 1
        self.history.faults.append(Fault("flush", "", self.time, self.time, 0.0, 0.0, lost))
        self.queue = []

    async def sweep(self) -> None:
        """What the ledger has accepted stands in the queue again, as wake-ups."""
        known = {delivery.arq_id for delivery in self.queue}
        for row in await self.engine.execute(DUE):
            job_id: UUID = row["id"]
            if str(job_id) not in known:
                wake_up = Reference(tenant_id=row["tenant_id"], id=job_id)
                self.queue.append(Delivery(str(job_id), wake_up))

    async def expire_leases(self) -> None:
        await self.engine.execute(
            "UPDATE taskrail.lease SET expires_at = clock_timestamp() - interval '1 s'"
        )
        await reap(self.runtime)

    async def drain(self) -> None:
        for _ in range(MOST_ROUNDS):
            await self.sweep()
            if not self.queue:
                return
            await self.work(len(self.queue))
        raise AssertionError(f"{len(self.queue)} entries are left")

    async def violations(self, *, is_over: bool = False) -> list[Violation]:
        url = self.runtime.settings.resolved_database_url.get_secret_value()
        connection: Any = await asyncpg.connect(url)
        try:
            facts = await read_facts(self.history, connection)
        finally:
            await connection.close()
        asked = [*ALWAYS, i01, i02] if is_over else ALWAYS
        return [violation for invariant in asked for violation in invariant(facts)]

    def _note(self, op: str, jobs: Sequence[AnyJob]) -> None:
        self.time += 1
        for job in jobs:
            envelope = job.model_dump(mode="json", exclude_unset=True)
            sent = {str(job.id): content_hash(envelope)}
            self.history.operations.append(
                Operation("machine", op, "ok", self.time, self.time, envelope["tenant_id"], sent)
            )


def crashing(commit: Callable[[UnitOfWork], Awaitable[None]], when: str) -> Any:
    async def crash(self: UnitOfWork) -> None:
        if when == "after":
            await commit(self)
        raise Crash

    return crash
