"""Jobs that move a task through its life: claims, reports, reviews and ends."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from jobs.payloads.base import Payload
from jobs.payloads.budget import Usage
from jobs.payloads.question import Question
from jobs.payloads.task import TaskPayload
from jobs.refs import Refs, Role
from jobs.values import Attributes, Progress, Reason, Result, Time

MIN_LEASE_SECONDS, MAX_LEASE_SECONDS, DEFAULT_LEASE_SECONDS = 5, 24 * 60 * 60, 60
MAX_DISPATCH_TASKS = 100

INPUT_REQUIRED, BUDGET = "input_required", "budget"
"""Reasons of the system's own for a blocked task."""


def _not_reserved(reason: str) -> str:
    if reason in {INPUT_REQUIRED, BUDGET}:
        raise ValueError(f"{reason} is the system's own word; use another reason")
    return reason


BlockReason = Annotated[Reason, AfterValidator(_not_reserved)]
LeaseSeconds = Annotated[int, Field(ge=MIN_LEASE_SECONDS, le=MAX_LEASE_SECONDS)]
Token = Annotated[int, Field(ge=1)]
Horizon = Literal["24h", "1h", "5m"]


class ClaimTask(TaskPayload):
    """The actor takes this task under a lease."""

    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS

    def refs(self, actor_id: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), changed_workers=_known(actor_id))


class DispatchTasks(Payload):
    """The actor takes up to `limit` ready tasks of his projects, best first, under leases."""

    limit: Annotated[int, Field(ge=1, le=MAX_DISPATCH_TASKS)] = 1
    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS

    def refs(self, actor_id: UUID | None, /) -> Refs:
        return Refs(changed_workers=_known(actor_id), dispatch=self.limit)


class HolderPayload(TaskPayload):
    """A report about a task; on a leased one only its holder's, with the `token` of the lease."""

    token: Token | None = None


class RenewLease(HolderPayload):
    """The lease lasts `lease_seconds` from now. Ephemeral: answered, never recorded."""

    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS

    def refs(self, actor_id: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), changed_workers=_known(actor_id))


class StartTask(TaskPayload):
    """A human begins to work on the task."""


class ReportProgress(HolderPayload):
    """The task's own progress in percent; it may go down."""

    percent: Progress
    usage: Usage | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), spends=self.usage is not None)


class ReportUsage(HolderPayload):
    """The work has consumed this much more."""

    usage: Usage

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), spends=True)


class ReleaseTask(HolderPayload):
    """The work is given back undone; it counts as no attempt.

    `force`: the owner of the project breaks the lease, without knowing its token.
    """

    reason: Reason | None = None
    force: bool = False


class BlockTask(HolderPayload):
    """The task cannot go on, for this reason. The lease ends, unless it is to be kept."""

    reason: BlockReason
    keep_lease: bool = False


class UnblockTask(TaskPayload):
    """What kept the task is out of the way."""

    def refs(self, _: UUID | None, /) -> Refs:
        # A task that a budget stopped goes on when neither is exceeded any more.
        return Refs(tasks=(self.task_id,), spends=True)


class RequestInput(HolderPayload):
    """The task waits for the answer to a question. The lease ends, unless it is to be kept."""

    question: Question
    keep_lease: bool = False


class ProvideInput(TaskPayload):
    """Answers the task's question; it may go on."""

    answer: Result


class SubmitTask(HolderPayload):
    """The work is handed in for review; the lease ends."""

    result: Result = None
    usage: Usage | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), spends=self.usage is not None)


class ApproveTask(TaskPayload):
    """The reviewed task is completed, by somebody who is neither its assignee nor its submitter.

    `cascade` cancels subtasks that are still open.
    """

    cascade: bool = False

    def refs(self, _: UUID | None, /) -> Refs:
        return _completed(self.task_id, cascade=self.cascade, spends=False)


class RejectTask(TaskPayload):
    """The reviewed task goes back to work, with the reason."""

    reason: Reason


class CompleteTask(HolderPayload):
    """The task is done. `cascade` cancels subtasks that are still open."""

    result: Result = None
    cascade: bool = False
    usage: Usage | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return _completed(self.task_id, cascade=self.cascade, spends=self.usage is not None)


class FailTask(HolderPayload):
    """An attempt ended badly; the task is tried again while attempts are left, unless permanent."""

    reason: Reason
    details: Attributes = Field(default_factory=dict)
    permanent: bool = False
    usage: Usage | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        # The try itself is booked: budgets limit attempts, too.
        return Refs(tasks=(self.task_id,), roles=((self.task_id, Role.FAILS),), spends=True)


class RetryTask(TaskPayload):
    """The failed task is tried again, with all its attempts."""

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), roles=((self.task_id, Role.SETTLES),))


class CancelTask(TaskPayload):
    """The task and its open descendants will not be done."""

    reason: Reason | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), roles=((self.task_id, Role.CANCELS),))


class ReopenTask(TaskPayload):
    """A completed task is to be reviewed again, a cancelled one is to be done after all."""

    reason: Reason | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), roles=((self.task_id, Role.SETTLES),))


class ExpireLease(TaskPayload):
    """System: the lease with this token ran out before its holder came back."""

    token: Token

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), roles=((self.task_id, Role.FAILS),), spends=True)


class RemindTask(TaskPayload):
    """System: the task is due at `due_at`, which is `horizon` from now."""

    due_at: Time
    horizon: Horizon


class RecurTask(TaskPayload):
    """System: the occurrence that was due at `scheduled_at` has a successor."""

    scheduled_at: Time

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), templates_of=(self.task_id,))


def _completed(task_id: UUID, *, cascade: bool, spends: bool) -> Refs:
    return Refs(
        tasks=(task_id,),
        roles=((task_id, Role.SETTLES_ALL if cascade else Role.SETTLES),),
        children_of=() if cascade else (task_id,),
        templates_of=(task_id,),
        spends=spends,
    )


def _known(actor_id: UUID | None) -> tuple[UUID, ...]:
    return () if actor_id is None else (actor_id,)
