"""The jobs of the benchmarks: agents of one project create, claim, report and complete."""

from collections.abc import Iterator
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.lifecycle import ClaimTask, CompleteTask, ReportProgress
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CreateTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job

JOBS_A_TASK = 4
AGENTS = 20


class Workload:
    """One project of one tenant with its agents; every call makes jobs with fresh ids."""

    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id
        self.project_id = uuid7()
        self.agents = [uuid7() for _ in range(AGENTS)]

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

    def tasks(self, number: int) -> Iterator[list[AnyJob]]:
        """The whole life of `number` tasks, four jobs each, in order."""
        for place in range(number):
            agent, task_id = self.agents[place % AGENTS], uuid7()
            yield [
                self._job(agent, self._task(task_id, place)),
                self._job(agent, ClaimTask(task_id=task_id)),
                self._job(agent, ReportProgress(task_id=task_id, percent=50, token=1)),
                self._job(agent, CompleteTask(task_id=task_id, token=1, result={"ok": True})),
            ]

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
        return new_job(payload, self._tenant_id, actor_id)
