"""The envelope: who asks for what, once; and the closed list of what can be asked."""

from typing import Annotated, Any, Generic, Literal, TypeVar, get_args
from uuid import UUID

from pydantic import UUID7, BaseModel, Field, StringConstraints, ValidationInfo, field_validator

from jobs.payloads.base import STRICT, Payload
from jobs.payloads.lifecycle import (
    ApproveTask,
    BlockTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    DispatchTasks,
    ExpireLease,
    FailTask,
    ProvideInput,
    RecurTask,
    RejectTask,
    ReleaseTask,
    RemindTask,
    RenewLease,
    ReopenTask,
    ReportProgress,
    ReportUsage,
    RequestInput,
    RetryTask,
    StartTask,
    SubmitTask,
    UnblockTask,
)
from jobs.payloads.project import (
    AddMember,
    ArchiveProject,
    ArchiveTasks,
    CompleteTasks,
    CreateProject,
    DeleteProject,
    RemoveMember,
    RestoreProject,
    UnarchiveProject,
    UpdateProject,
)
from jobs.payloads.task import (
    AddDependency,
    AssignTask,
    CommentTask,
    CreateTask,
    DeleteTask,
    MoveTask,
    PurgeTask,
    RaiseBudget,
    RemoveDependency,
    RestoreTask,
    UnassignTask,
    UpdateTask,
)
from jobs.payloads.worker import (
    DeactivateWorker,
    ReactivateWorker,
    RegisterWorker,
    UpdateWorker,
)
from jobs.values import Text, Time

MAX_ENVELOPE_BYTES = 1024 * 1024
MAX_AFTER = 16

KindT = TypeVar("KindT", bound=str)
PayloadT = TypeVar("PayloadT", bound=Payload)
VersionT = TypeVar("VersionT", bound=int)

TraceParent = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{2}(-[0-9a-f]+)+$", max_length=64)
]
KeyId = Annotated[Text, StringConstraints(min_length=1, max_length=256)]


class Job(BaseModel, Generic[KindT, PayloadT]):
    """One request. `id` is its idempotency key: one id, one effect, one outcome.

    An envelope without `schema_version` is of version 1, whatever the kind's current version is.
    `after`: ids that must be settled first. `expires_at`: refused from then on. `kid`: the key that
    it is signed with, if it is (signing.py).
    """

    model_config = STRICT

    id: UUID7
    tenant_id: UUID
    actor_id: UUID | None
    kind: KindT
    schema_version: Literal[1] = 1
    issued_at: Time
    after: Annotated[list[UUID], Field(default_factory=list, max_length=MAX_AFTER)]
    expires_at: Time | None = None
    traceparent: TraceParent | None = None
    kid: KeyId | None = None
    payload: PayloadT

    @field_validator("after")
    @classmethod
    def _waits_for_others_only(cls, after: list[UUID], info: ValidationInfo) -> list[UUID]:
        if info.data.get("id") in after:
            raise ValueError("a job cannot wait for itself; name other jobs in after")
        return after


class Revised(Job[KindT, PayloadT], Generic[KindT, PayloadT, VersionT]):
    """A job of a kind whose current version is not 1 any more, and has to be named."""

    schema_version: VersionT  # type: ignore[assignment]  # Job's own is the first version only


WireJob = Annotated[
    Job[Literal["project.create"], CreateProject]
    | Job[Literal["project.update"], UpdateProject]
    | Job[Literal["project.archive"], ArchiveProject]
    | Job[Literal["project.unarchive"], UnarchiveProject]
    | Job[Literal["project.delete"], DeleteProject]
    | Job[Literal["project.restore"], RestoreProject]
    | Job[Literal["project.add_member"], AddMember]
    | Job[Literal["project.remove_member"], RemoveMember]
    | Job[Literal["project.complete_tasks"], CompleteTasks]
    | Job[Literal["project.archive_tasks"], ArchiveTasks]
    | Job[Literal["worker.register"], RegisterWorker]
    | Job[Literal["worker.update"], UpdateWorker]
    | Job[Literal["worker.deactivate"], DeactivateWorker]
    | Job[Literal["worker.reactivate"], ReactivateWorker]
    | Job[Literal["task.create"], CreateTask]
    | Job[Literal["task.update"], UpdateTask]
    | Job[Literal["task.move"], MoveTask]
    | Job[Literal["task.assign"], AssignTask]
    | Job[Literal["task.unassign"], UnassignTask]
    | Job[Literal["task.claim"], ClaimTask]
    | Job[Literal["task.dispatch"], DispatchTasks]
    | Job[Literal["task.renew"], RenewLease]
    | Job[Literal["task.release"], ReleaseTask]
    | Job[Literal["task.start"], StartTask]
    | Revised[Literal["task.progress"], ReportProgress, Literal[2]]
    | Job[Literal["task.report_usage"], ReportUsage]
    | Job[Literal["task.raise_budget"], RaiseBudget]
    | Job[Literal["task.block"], BlockTask]
    | Job[Literal["task.unblock"], UnblockTask]
    | Job[Literal["task.request_input"], RequestInput]
    | Job[Literal["task.provide_input"], ProvideInput]
    | Job[Literal["task.submit"], SubmitTask]
    | Job[Literal["task.approve"], ApproveTask]
    | Job[Literal["task.reject"], RejectTask]
    | Job[Literal["task.complete"], CompleteTask]
    | Job[Literal["task.fail"], FailTask]
    | Job[Literal["task.retry"], RetryTask]
    | Job[Literal["task.cancel"], CancelTask]
    | Job[Literal["task.reopen"], ReopenTask]
    | Job[Literal["task.delete"], DeleteTask]
    | Job[Literal["task.restore"], RestoreTask]
    | Job[Literal["task.comment"], CommentTask]
    | Job[Literal["task.add_dependency"], AddDependency]
    | Job[Literal["task.remove_dependency"], RemoveDependency],
    Field(discriminator="kind"),
]
SystemJob = Annotated[
    Job[Literal["lease.expire"], ExpireLease]
    | Job[Literal["task.remind"], RemindTask]
    | Job[Literal["task.recur"], RecurTask]
    | Job[Literal["task.purge"], PurgeTask],
    Field(discriminator="kind"),
]
AnyJob = Job[Any, Any]

AnyPayload = (
    CreateProject
    | UpdateProject
    | ArchiveProject
    | UnarchiveProject
    | DeleteProject
    | RestoreProject
    | AddMember
    | RemoveMember
    | CompleteTasks
    | ArchiveTasks
    | RegisterWorker
    | UpdateWorker
    | DeactivateWorker
    | ReactivateWorker
    | CreateTask
    | UpdateTask
    | MoveTask
    | AssignTask
    | UnassignTask
    | ClaimTask
    | DispatchTasks
    | RenewLease
    | ReleaseTask
    | StartTask
    | ReportProgress
    | ReportUsage
    | RaiseBudget
    | BlockTask
    | UnblockTask
    | RequestInput
    | ProvideInput
    | SubmitTask
    | ApproveTask
    | RejectTask
    | CompleteTask
    | FailTask
    | RetryTask
    | CancelTask
    | ReopenTask
    | DeleteTask
    | RestoreTask
    | CommentTask
    | AddDependency
    | RemoveDependency
    | ExpireLease
    | RemindTask
    | RecurTask
    | PurgeTask
)


def _by_kind() -> dict[str, dict[str, Any]]:
    """The types of the fields of each kind's job, system kinds included."""
    jobs = [*get_args(get_args(WireJob)[0]), *get_args(get_args(SystemJob)[0])]
    types = [{name: f.annotation for name, f in job.model_fields.items()} for job in jobs]
    return {get_args(of_job["kind"])[0]: of_job for of_job in types}


PAYLOADS: dict[str, type[Payload]] = {kind: job["payload"] for kind, job in _by_kind().items()}
"""Payload class by kind."""
VERSIONS: dict[str, int] = {
    kind: get_args(job["schema_version"])[0] for kind, job in _by_kind().items()
}
"""Current version by kind: what this release sends."""
KINDS = {payload: kind for kind, payload in PAYLOADS.items()}
SYSTEM_KINDS = frozenset({"lease.expire", "task.remind", "task.recur", "task.purge"})
WIRE_KINDS = tuple(kind for kind in PAYLOADS if kind not in SYSTEM_KINDS)
EPHEMERAL_KINDS = frozenset({"task.renew"})
BOOTSTRAP_KINDS = frozenset({"project.create", "worker.register"})
