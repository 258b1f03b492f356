"""Jobs about workers: humans and AI agents."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from jobs.entities import WorkerKind
from jobs.payloads.base import Payload, Version, require_something_to_change
from jobs.refs import Refs
from jobs.values import Handle, Name, Text, Word, Words

Email = Annotated[Text, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
Room = Annotated[int, Field(ge=1, le=10_000)]


class RegisterWorker(Payload):
    """A new worker. Agents say their `agent_type`; only humans have an `email`."""

    worker_id: UUID
    handle: Handle
    name: Name
    kind: Annotated[WorkerKind, Field(strict=False)]
    email: Email | None = None
    agent_type: Word | None = None
    capabilities: Words = Field(default_factory=list)
    max_concurrent_tasks: Room | None = None

    @model_validator(mode="after")
    def _kind_has_its_fields(self) -> Self:
        is_agent = self.kind is WorkerKind.AGENT
        if is_agent != (self.agent_type is not None):
            raise ValueError("agent_type is required for agents and for nobody else")
        if is_agent and self.email is not None:
            raise ValueError("only humans have an email address")
        return self

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(changed_workers=(self.worker_id,), handles=(self.handle,))


class WorkerPayload(Payload):
    """A job about one worker that exists."""

    worker_id: UUID

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(changed_workers=(self.worker_id,))


class UpdateWorker(WorkerPayload):
    """Changes the fields that are given; null clears. The kind never changes.

    `expected_version`: refused if the worker has another one by then.
    """

    handle: Handle | None = None
    name: Name | None = None
    email: Email | None = None
    agent_type: Word | None = None
    capabilities: Words | None = None
    max_concurrent_tasks: Room | None = None
    expected_version: Version | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        return require_something_to_change(
            self, never_null={"handle", "name", "agent_type", "capabilities"}
        )

    def refs(self, _: UUID | None, /) -> Refs:
        handles = () if self.handle is None else (self.handle,)
        return Refs(changed_workers=(self.worker_id,), handles=handles)


class DeactivateWorker(WorkerPayload):
    """The worker holds no lease, is nobody's assignee of open tasks, and is given nothing new."""

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(changed_workers=(self.worker_id,), tasks_of=((None, self.worker_id),))


class ReactivateWorker(WorkerPayload):
    """The worker may be given tasks again."""
