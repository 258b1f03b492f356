"""Jobs about workers: humans and AI agents."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from jobs.entities import WorkerKind
from jobs.payloads.base import Payload
from jobs.refs import Refs
from jobs.values import Handle, Name, Text, Word, Words

Email = Annotated[Text, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class RegisterWorker(Payload):
    """A new worker. Agents say their `agent_type`; only humans have an `email`."""

    worker_id: UUID
    handle: Handle
    name: Name
    kind: Annotated[WorkerKind, Field(strict=False)]
    email: Email | None = None
    agent_type: Word | None = None
    capabilities: Words = Field(default_factory=list)
    max_concurrent_tasks: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _kind_has_its_fields(self) -> Self:
        is_agent = self.kind is WorkerKind.AGENT
        if is_agent != (self.agent_type is not None):
            raise ValueError("agent_type is required for agents and for nobody else")
        if is_agent and self.email is not None:
            raise ValueError("only humans have an email address")
        return self

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return Refs(changed_workers=(self.worker_id,), handles=(self.handle,))
