"""Jobs at random in batches, for an engine: written ahead by what the model expects."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from jobs.envelope import KINDS, SYSTEM_KINDS, AnyJob
from jobs.payloads.base import Payload
from jobs.producer import new_job
from jobs.system import system_job
from tests.model.act import Request
from tests.model.judge import judge
from tests.model.picking import Picker
from tests.model.state import State
from tests.model.wishes import wish
from worker.deliveries import Delivery


@dataclass(slots=True)
class Author:
    """`first`: kinds that look around when a batch is read; they come first in theirs."""

    tenant_id: UUID
    pick: Picker
    first: tuple[type[Payload], ...]
    left_over: list[Request] = field(default_factory=list)

    @property
    def state(self) -> State:
        return self.pick.state

    @property
    def random(self) -> Random:
        return self.pick.random

    def batch(self, size: int) -> list[AnyJob]:
        """What makes sense one after another, as the model expects the batch to go."""
        known, self.pick.state = self.pick.state, deepcopy(self.pick.state)
        jobs: list[AnyJob] = []
        while len(jobs) < size:
            request = self.left_over.pop() if self.left_over else wish(self.pick)
            if jobs and isinstance(request[1], self.first):
                self.left_over.append(request)
                break
            jobs.append(self.job(request))
            judge(self.pick.state, request, jobs[-1].id)
        self.pick.state = known
        return jobs

    def job(self, request: Request) -> AnyJob:
        actor, payload = request
        if KINDS[type(payload)] in SYSTEM_KINDS:
            return system_job(payload, self.tenant_id, self.state.now, self.pick.new_id())
        return new_job(payload, self.tenant_id, actor)


def deliveries(jobs: Sequence[AnyJob]) -> list[Delivery]:
    """The system is trusted."""
    return [Delivery(str(job.id), job, trusted=job.actor_id is None) for job in jobs]
