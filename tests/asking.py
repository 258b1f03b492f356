"""Jobs as tests ask for them: one tenant, its people, and short names for payloads."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.entities import WorkerKind
from jobs.envelope import AnyJob
from jobs.payloads.base import Payload
from jobs.payloads.project import AddMember, CreateProject
from jobs.payloads.task import CreateTask
from jobs.payloads.worker import RegisterWorker
from jobs.producer import new_job


def ask(tenant_id: UUID, actor_id: UUID | None, payload: Payload, **envelope: Any) -> AnyJob:
    """A valid envelope around `payload`."""
    return new_job(payload, tenant_id, actor_id, **envelope)


@dataclass(slots=True)
class Cast:
    """A tenant with an owner (human), a human and an agent, all members of one project."""

    tenant_id: UUID = field(default_factory=uuid7)
    project_id: UUID = field(default_factory=uuid7)
    owner: UUID = field(default_factory=uuid7)
    human: UUID = field(default_factory=uuid7)
    agent: UUID = field(default_factory=uuid7)

    def setting_up(self) -> list[AnyJob]:
        return [
            self.by(None, _human(self.owner)),
            self.by(None, _human(self.human)),
            self.by(None, _agent(self.agent)),
            self.by(self.owner, self.project()),
            self.by(self.owner, AddMember(project_id=self.project_id, worker_id=self.human)),
            self.by(self.owner, AddMember(project_id=self.project_id, worker_id=self.agent)),
        ]

    def by(self, actor_id: UUID | None, payload: Payload, **envelope: Any) -> AnyJob:
        return ask(self.tenant_id, actor_id, payload, **envelope)

    def project(self) -> CreateProject:
        slug = f"project-{self.project_id.hex[-12:]}"
        return CreateProject(project_id=self.project_id, slug=slug, name="Relaunch")

    def task(self, task_id: UUID | None = None, **fields: Any) -> AnyJob:
        """A job of the owner that creates a task."""
        new = {"task_id": task_id or uuid7(), "title": "Write the text"} | fields
        return self.by(self.owner, CreateTask(project_id=self.project_id, **new))


def _human(worker_id: UUID) -> RegisterWorker:
    return RegisterWorker(
        worker_id=worker_id,
        handle=f"@human-{worker_id.hex[-12:]}",
        name="Ada",
        kind=WorkerKind.HUMAN,
    )


def _agent(worker_id: UUID) -> RegisterWorker:
    return RegisterWorker(
        worker_id=worker_id,
        handle=f"@agent-{worker_id.hex[-12:]}",
        name="Robot",
        kind=WorkerKind.AGENT,
        agent_type="writer",
    )
