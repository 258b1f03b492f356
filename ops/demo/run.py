"""The demo as a whole: a worker, the play, and the reckoning."""

from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from jobs.producer import Producer
from ops.demo.calendar import system_has_come
from ops.demo.counts import Counts, count
from ops.demo.desk import Desk
from ops.demo.play import Play
from ops.demo.rogues import retries, rogues
from ops.demo.view import View, shown
from ops.engines import opened, patient
from ops.preparation import DEMO
from ops.processes import worker_processes
from ops.queue import opened_queue
from ops.tenants import find
from ops.verify.check import Violation
from ops.verify.run import CHECKS, verify
from settings import Settings
from worker.signing import signer


@dataclass(frozen=True, slots=True)
class Result:
    """`sent`: jobs that Redis acknowledged; `counts`: what the ledger made of them.

    `retries`: how often the worker tried again, by SQLSTATE, if rogues were let loose.
    """

    sent: int
    counts: Counts
    jobs_per_second: int
    violations: list[Violation]
    retries: dict[str, int] | None = None

    @property
    def is_sound(self) -> bool:
        settled = sum(self.counts.number(status) for status in ("applied", "rejected", "buried"))
        return self.sent == settled and not self.violations

    def as_json(self) -> dict[str, Any]:
        rogues = {} if self.retries is None else {"retries": self.retries}
        return rogues | {
            "accepted": self.sent,
            "applied": self.counts.number("applied"),
            "rejected": self.counts.number("rejected"),
            "buried": self.counts.number("buried"),
            "jobs_per_second": self.jobs_per_second,
            "by_kind": self.counts.by_kind,
            "checks": len(CHECKS),
            "violations": len(self.violations),
        }


async def perform(settings: Settings, jobs: int, *, with_rogues: bool = False) -> Result:
    """Plays until at least `jobs` jobs are settled, then counts and checks.

    A worker of its own runs meanwhile, beside those that may be there already.
    """
    view = View(jobs)
    with shown(view), NamedTemporaryFile() as log:
        async with AsyncExitStack() as stack:
            reader = await stack.enter_async_context(opened(patient(settings), "reader"))
            redis = await stack.enter_async_context(opened_queue(settings))
            asking = Producer(redis, signer=signer(settings))
            producer = await stack.enter_async_context(aclosing(asking))
            desk = Desk(producer, await find(reader, DEMO))
            view.desk = desk
            level = {"TASKRAIL_LOG_LEVEL": "DEBUG" if with_rogues else "ERROR"}
            await stack.enter_async_context(worker_processes(1, log=log.fileno(), environ=level))
            if with_rogues:
                await stack.enter_async_context(rogues(settings))
            play = Play(desk, _word(uuid7()), jobs, view.show_scene)
            await play.perform()
            view.show_scene("what is due comes round")
            await system_has_come(reader, desk.tenant_id, play.offices)
            view.show_scene("the books are checked")
            result = await _reckon(desk, reader)
        return replace(result, retries=retries(Path(log.name))) if with_rogues else result


async def _reckon(desk: Desk, reader: AsyncEngine) -> Result:
    counts = await count(reader, desk.tenant_id, desk.sent.keys())
    report = await verify(reader)
    return Result(len(desk.sent), counts, desk.jobs_per_second, report.violations)


def _word(run: UUID) -> str:
    """Short, for handles and slugs; time and chance make it differ from every other run's."""
    return f"{run.hex[4:12]}{run.hex[-4:]}"
