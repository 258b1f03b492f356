"""What producers send: whole lives of tasks, good and bad, in order and out of order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.budget import Usage
from jobs.payloads.lifecycle import (
    ApproveTask,
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    FailTask,
    ReleaseTask,
    ReopenTask,
    ReportProgress,
    ReportUsage,
    SubmitTask,
    UnblockTask,
)
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CommentTask, CreateTask, NewDependency, UpdateTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job

AGENTS = 6
IN_ORDER_PERCENT = 70
SHORTEST_LEASE_SECONDS = 5

Step = tuple[UUID | None, Payload]


@dataclass(slots=True)
class Crew:
    """A tenant's people and their project."""

    tenant_id: UUID
    random: Random
    project_id: UUID = field(default_factory=uuid7)
    owner: UUID = field(default_factory=uuid7)
    agents: list[UUID] = field(default_factory=lambda: [uuid7() for _ in range(AGENTS)])

    def setting_up(self) -> list[AnyJob]:
        """The jobs that make them, each after the one before."""
        project = CreateProject(
            project_id=self.project_id, slug=f"p-{self.project_id.hex[-12:]}", name="Soaked"
        )
        steps: list[Step] = [
            (None, _person(self.owner, WorkerKind.HUMAN)),
            *((None, _person(agent, WorkerKind.AGENT)) for agent in self.agents),
            (self.owner, project),
            *((self.owner, AddMember(project_id=self.project_id, worker_id=agent))
              for agent in self.agents),
        ]  # fmt: skip
        return self._chained(steps)

    def life(self) -> list[AnyJob]:
        """The jobs about one task or two, as somebody sends them."""
        steps = self.random.choice(STORIES)(self, uuid7(), *self.random.sample(self.agents, 2))
        if self.random.randrange(100) < IN_ORDER_PERCENT:
            return self._chained(steps)
        jobs = [self.job(step) for step in steps]
        self.random.shuffle(jobs)
        return jobs

    def dispatch(self) -> AnyJob:
        asked = DispatchTasks(limit=2, lease_seconds=SHORTEST_LEASE_SECONDS)
        return self.job((self.random.choice(self.agents), asked))

    def forged(self, task_id: UUID) -> AnyJob:
        """Ours, about another tenant's task."""
        return self.job((self.owner, CompleteTask(task_id=task_id)))

    def another(self, job: AnyJob) -> AnyJob:
        """Another content under the same id."""
        body = CommentTask(task_id=uuid7(), comment_id=uuid7(), body="Not the same.")
        return new_job(body, self.tenant_id, self.owner, id=job.id)

    def job(self, step: Step, *after: UUID) -> AnyJob:
        actor, payload = step
        header = {"after": list(after)} if after else {}
        return new_job(payload, self.tenant_id, actor, **header)

    def create(self, task_id: UUID, **fields: object) -> Step:
        new = {"task_id": task_id, "project_id": self.project_id, "title": "Soak"} | fields
        return self.owner, CreateTask.model_validate(new)

    def _chained(self, steps: list[Step]) -> list[AnyJob]:
        jobs: list[AnyJob] = []
        for step in steps:
            jobs.append(self.job(step, *(job.id for job in jobs[-1:])))
        return jobs


def going_well(crew: Crew, task: UUID, one: UUID, _: UUID) -> list[Step]:
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (one, ReportProgress(task_id=task, percent=30, token=1)),
        (one, CommentTask(task_id=task, comment_id=uuid7(), body="It has two parts.")),
        (one, ReportProgress(task_id=task, percent=80, token=1)),
        (one, CompleteTask(task_id=task, token=1, result={"sentences": 5})),
    ]


def failing_once(crew: Crew, task: UUID, one: UUID, other: UUID) -> list[Step]:
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (one, FailTask(task_id=task, reason="No answer.", token=1)),
        (other, ClaimTask(task_id=task)),
        (other, CompleteTask(task_id=task, token=2)),
    ]


def reviewed(crew: Crew, task: UUID, one: UUID, _: UUID) -> list[Step]:
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (one, SubmitTask(task_id=task, token=1)),
        (crew.owner, ApproveTask(task_id=task)),
    ]


def reported_too_late(crew: Crew, task: UUID, one: UUID, other: UUID) -> list[Step]:
    """The first holder does not know that he has lost it."""
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (one, ReleaseTask(task_id=task, token=1)),
        (other, ClaimTask(task_id=task)),
        (one, CompleteTask(task_id=task, token=1)),
        (other, CompleteTask(task_id=task, token=2)),
        (one, ReportProgress(task_id=task, percent=90, token=1)),
    ]


def left_alone(crew: Crew, task: UUID, one: UUID, other: UUID) -> list[Step]:
    """The lease runs out; who claims it next may be too early."""
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task, lease_seconds=SHORTEST_LEASE_SECONDS)),
        (other, ClaimTask(task_id=task)),
    ]


def wanted_by_two(crew: Crew, task: UUID, one: UUID, other: UUID) -> list[Step]:
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (other, ClaimTask(task_id=task)),
        (one, UpdateTask(task_id=task, title="Soaked", expected_version=2)),
        (other, UpdateTask(task_id=task, title="Dry", expected_version=2)),
        (one, CompleteTask(task_id=task, token=1)),
    ]


def blocked(crew: Crew, task: UUID, one: UUID, other: UUID) -> list[Step]:
    """It stays assigned to whom it was blocked by."""
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (one, BlockTask(task_id=task, reason="It rains.", token=1)),
        (crew.owner, UnblockTask(task_id=task)),
        (other, ClaimTask(task_id=task)),
        (one, ClaimTask(task_id=task)),
        (one, CompleteTask(task_id=task, token=2)),
    ]


def taken_back(crew: Crew, task: UUID, one: UUID, _: UUID) -> list[Step]:
    return [
        crew.create(task),
        (crew.owner, CancelTask(task_id=task)),
        (one, ClaimTask(task_id=task)),
        (crew.owner, ReopenTask(task_id=task)),
        (crew.owner, CompleteTask(task_id=task)),
    ]


def waiting(crew: Crew, task: UUID, one: UUID, other: UUID) -> list[Step]:
    """The second task waits for the first."""
    second = uuid7()
    return [
        crew.create(task),
        crew.create(second, depends_on=[NewDependency(task_id=task)]),
        (one, ClaimTask(task_id=second)),
        (crew.owner, CompleteTask(task_id=task)),
        (other, ClaimTask(task_id=second)),
        (other, CompleteTask(task_id=second, token=1)),
    ]


def costly(crew: Crew, task: UUID, one: UUID, _: UUID) -> list[Step]:
    """Its holder says twice what it has cost; who reports without a token is not heard."""
    used = Usage(tokens=1_200, money_micros=3_400, wall_seconds=5)
    return [
        crew.create(task),
        (one, ClaimTask(task_id=task)),
        (one, ReportUsage(task_id=task, usage=used, token=1)),
        (one, ReportUsage(task_id=task, usage=used)),
        (one, ReportUsage(task_id=task, usage=Usage(tokens=80), token=1)),
        (one, CompleteTask(task_id=task, token=1)),
    ]


STORIES: list[Callable[[Crew, UUID, UUID, UUID], list[Step]]] = [
    going_well, going_well, failing_once, reviewed, reported_too_late, left_alone, wanted_by_two,
    blocked, taken_back, waiting, costly,
]  # fmt: skip


def _person(worker_id: UUID, kind: WorkerKind) -> RegisterWorker:
    return RegisterWorker(
        worker_id=worker_id,
        handle=f"@p-{worker_id.hex[-12:]}",
        name="Somebody",
        kind=kind,
        agent_type="soaked" if kind is WorkerKind.AGENT else None,
    )
