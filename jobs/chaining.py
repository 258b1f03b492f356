"""Order between jobs about one task: each names the one before it in `after`.

Queues keep no order across batches and workers, so a producer writes the order down. Renewals are
left out: the ledger never learns of them, so nobody could wait for one.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar
from uuid import UUID

from jobs.entities import Key
from jobs.envelope import EPHEMERAL_KINDS, MAX_AFTER, AnyJob

Name = TypeVar("Name")
Value = TypeVar("Value")

CHAIN_SECONDS = 10.0
MAX_REMEMBERED = 10_000


class Chain:
    """What one producer sent about which task in the last ten seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: OrderedDict[Key, tuple[UUID, float]] = OrderedDict()
        self._sent: OrderedDict[UUID, float] = OrderedDict()

    def ordered(self, jobs: Sequence[AnyJob]) -> list[AnyJob]:
        """The same jobs, each with the ids of its predecessors added to `after`.

        A job waits for MAX_AFTER others at most: of more predecessors those about the tasks that it
        names last are left out, and for those it does not wait. Who needs them splits the job.
        """
        earlier: dict[Key, UUID] = {}
        return [self._behind(job, earlier) for job in jobs]

    def remember(self, jobs: Sequence[AnyJob]) -> None:
        """To be called when `jobs` are queued: a job must not wait for one that never came."""
        now = self._clock()
        for job in jobs:
            _put(self._sent, job.id, now)
            for task in _tasks(job):
                _put(self._last, task, (job.id, now))

    def _behind(self, job: AnyJob, earlier: dict[Key, UUID]) -> AnyJob:
        tasks = _tasks(job)
        before = [earlier.get(task) or self._recent(task) for task in tasks]
        earlier.update(dict.fromkeys(tasks, job.id))
        # A job sent again keeps its place: behind a later one the two would wait for each other.
        if job.id in self._sent:
            return job
        new = dict.fromkeys(other for other in before if other not in {None, job.id, *job.after})
        after = [*job.after, *(other for other in new if other is not None)][:MAX_AFTER]
        return job.model_copy(update={"after": after}) if len(after) > len(job.after) else job

    def _recent(self, task: Key) -> UUID | None:
        job_id, sent_at = self._last.get(task, (None, 0.0))
        return job_id if self._clock() - sent_at <= CHAIN_SECONDS else None


def _tasks(job: AnyJob) -> list[Key]:
    if job.kind in EPHEMERAL_KINDS:
        return []
    return [(job.tenant_id, task_id) for task_id in job.payload.refs(job.actor_id).tasks]


def _put(memory: OrderedDict[Name, Value], name: Name, value: Value) -> None:
    memory[name] = value
    memory.move_to_end(name)
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
