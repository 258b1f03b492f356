"""The jobs of the benchmarks: what an agent backend sends, in its proportions.

A task is created, claimed, reported on, commented on and completed; every tenth is failed at first
and claimed anew. Renewals are left out: jobs here take no time, and a renewal writes least of all.
"""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, FailTask, ReportProgress
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CommentTask, CreateTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job

JOBS_A_TASK = 6
AGENTS = 500
FAILING = 10
"""One task of so many fails once."""
AT_ONCE = AGENTS
"""Tasks whose jobs come interleaved: each agent works on one at a time."""


class Workload:
    """One project of one tenant with its agents; every call makes jobs with fresh ids."""

    def __init__(self, tenant_id: UUID, agents: int = AGENTS) -> None:
        self.tenant_id = tenant_id
        self.project_id = uuid7()
        self.agents = [uuid7() for _ in range(agents)]

    def setting_up(self) -> list[AnyJob]:
        """The jobs that make the project and its agents; to be applied first."""
        owner = self.agents[0]
        registered = [self._job(None, self._agent(agent)) for agent in self.agents]
        project = CreateProject(
            project_id=self.project_id,
            slug=f"bench-{self.project_id.hex[-12:]}",
            name="Benchmark",
            owner_id=owner,
        )
        members = [
            self._job(owner, AddMember(project_id=self.project_id, worker_id=agent))
            for agent in self.agents[1:]
        ]
        return [*registered, self._job(None, project), *members]

    def tasks(self, number: int, first: int = 0) -> Iterator[list[AnyJob]]:
        """The whole life of `number` tasks, six jobs each, in order; they are counted on."""
        for place in range(first, first + number):
            agent, task_id = self.agents[place % len(self.agents)], uuid7()
            work = _failing if place % FAILING == 0 else _going_well
            life = [self._task(task_id, place), ClaimTask(task_id=task_id), *work(task_id)]
            yield [self._job(agent, payload) for payload in life]

    def stream(self, number: int) -> list[AnyJob]:
        """At least `number` jobs as they come from many agents: each with one task at a time."""
        return interleaved(self.tasks(-(-number // JOBS_A_TASK)))

    def _task(self, task_id: UUID, place: int) -> CreateTask:
        return CreateTask(
            task_id=task_id,
            project_id=self.project_id,
            title=f"Summarise document {place}",
            description="Read the document and write down what it says in five sentences.",
            tags=["summary", "documents"],
            attributes={"document": place, "language": "en"},
        )

    def _agent(self, worker_id: UUID) -> RegisterWorker:
        return RegisterWorker(
            worker_id=worker_id,
            handle=f"@agent-{worker_id.hex[-12:]}",
            name="Benchmark agent",
            kind=WorkerKind.AGENT,
            agent_type="benchmark",
        )

    def _job(self, actor_id: UUID | None, payload: Payload) -> AnyJob:
        return new_job(payload, self.tenant_id, actor_id)


def interleaved(lives: Iterator[list[AnyJob]]) -> list[AnyJob]:
    """The jobs of as many tasks at once as there are agents, step by step."""
    jobs: list[AnyJob] = []
    while window := list(islice(lives, AT_ONCE)):
        jobs += (job for step in zip(*window, strict=True) for job in step)
    return jobs


def _going_well(task_id: UUID) -> list[Payload]:
    return [
        ReportProgress(task_id=task_id, percent=20, token=1),
        CommentTask(task_id=task_id, comment_id=uuid7(), body="The document has two parts."),
        ReportProgress(task_id=task_id, percent=70, token=1),
        _done(task_id, token=1),
    ]


def _failing(task_id: UUID) -> list[Payload]:
    return [
        ReportProgress(task_id=task_id, percent=20, token=1),
        FailTask(task_id=task_id, reason="The model gave no answer.", token=1),
        ClaimTask(task_id=task_id),
        _done(task_id, token=2),
    ]


def _done(task_id: UUID, token: int) -> CompleteTask:
    return CompleteTask(task_id=task_id, token=token, result={"summary": "Five sentences."})
