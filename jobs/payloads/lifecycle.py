"""Jobs that move a task through its life: claims, reports, reviews and ends."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from jobs.payloads.base import Payload
from jobs.payloads.task import TaskPayload
from jobs.refs import Refs
from jobs.values import Attributes, Progress, Reason, Result

MIN_LEASE_SECONDS, MAX_LEASE_SECONDS, DEFAULT_LEASE_SECONDS = 5, 24 * 60 * 60, 60
MAX_DISPATCH_TASKS = 100

LeaseSeconds = Annotated[int, Field(ge=MIN_LEASE_SECONDS, le=MAX_LEASE_SECONDS)]
Token = Annotated[int, Field(ge=1)]


class ClaimTask(TaskPayload):
    """The actor takes this task under a lease."""

    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS

    def refs(self, actor_id: UUID | None) -> Refs:
        return Refs(tasks=(self.task_id,), changed_workers=_known(actor_id))


class DispatchTasks(Payload):
    """The actor takes up to `limit` ready tasks of his projects, best first, under leases."""

    limit: Annotated[int, Field(ge=1, le=MAX_DISPATCH_TASKS)] = 1
    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS

    def refs(self, actor_id: UUID | None) -> Refs:
        return Refs(changed_workers=_known(actor_id), dispatch=self.limit)


class HolderPayload(TaskPayload):
    """A report about a task; on a leased one only its holder's, with the `token` of the lease."""

    token: Token | None = None


class RenewLease(HolderPayload):
    """The lease lasts `lease_seconds` from now. Ephemeral: answered, never recorded."""

    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS

    def refs(self, actor_id: UUID | None) -> Refs:
        return Refs(tasks=(self.task_id,), changed_workers=_known(actor_id))


class StartTask(TaskPayload):
    """A human begins to work on the task."""


class ReportProgress(HolderPayload):
    """The task's own progress in percent; it may go down."""

    progress: Progress


class SubmitTask(HolderPayload):
    """The work is handed in for review; the lease ends."""

    result: Result = None


class ApproveTask(TaskPayload):
    """The reviewed task is completed, by somebody who is neither its assignee nor its submitter.

    `cascade` cancels subtasks that are still open.
    """

    cascade: bool = False

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return _completed(self.task_id, cascade=self.cascade)


class RejectTask(TaskPayload):
    """The reviewed task goes back to work, with the reason."""

    reason: Reason


class CompleteTask(HolderPayload):
    """The task is done. `cascade` cancels subtasks that are still open."""

    result: Result = None
    cascade: bool = False

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return _completed(self.task_id, cascade=self.cascade)


class FailTask(HolderPayload):
    """An attempt ended badly; the task is tried again while attempts are left, unless permanent."""

    reason: Reason
    details: Attributes = Field(default_factory=dict)
    permanent: bool = False


class CancelTask(TaskPayload):
    """The task and its open descendants will not be done."""

    reason: Reason | None = None

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return Refs(tasks=(self.task_id,), descendants_of=(self.task_id,))


class ExpireLease(TaskPayload):
    """System: the lease with this token ran out before its holder came back."""

    token: Token


def _completed(task_id: UUID, *, cascade: bool) -> Refs:
    if cascade:
        return Refs(tasks=(task_id,), descendants_of=(task_id,))
    return Refs(tasks=(task_id,), children_of=(task_id,))


def _known(actor_id: UUID | None) -> tuple[UUID, ...]:
    return () if actor_id is None else (actor_id,)
