"""Everything that can go wrong with a job.

JobError
  JobRejected          the rules say no: recorded, never retried; one class per code
    Invalid NotFound IllegalTransition LeaseLost LeasedToOther DependenciesUnmet DependencyCycle
    OpenSubtasks ApprovalRequired NotAMember NotAllowed VersionConflict AlreadyExists
    IdempotencyConflict Expired Aborted TenantSuspended LimitExceeded
  JobConflict          lost a race: read again, at once, full jitter
  KinUnknown           its batch has changed whom it concerns: hand it back, read again
  JobDataError         the database refused a value: find the job, by halves
    TooManyKin         a batch concerns too many rows: so is one job's part refused
  StoreUnavailable     no PostgreSQL: wait, burn no attempt
"""

# ruff: noqa: N818 - an error is named after what happened

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Self

RejectionCode = Literal[
    "not_found",
    "illegal_transition",
    "lease_lost",
    "leased_to_other",
    "dependencies_unmet",
    "dependency_cycle",
    "open_subtasks",
    "approval_required",
    "not_a_member",
    "not_allowed",
    "version_conflict",
    "already_exists",
    "idempotency_conflict",
    "expired",
    "aborted",
    "tenant_suspended",
    "limit_exceeded",
    "invalid",
]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the rule saw of the entity it refused to change."""

    status: str | None = None
    version: int | None = None


class JobError(Exception):
    """Anything that keeps a job from being applied."""


class JobRejected(JobError):
    """The rules refuse the job; its message says what the caller can do."""

    code: ClassVar[RejectionCode]

    def __init__(
        self,
        message: str,
        *,
        alternatives: Sequence[str] = (),
        observed: Observed | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.alternatives = tuple(alternatives)
        self.observed = observed


class Invalid(JobRejected):
    code = "invalid"


class NotFound(JobRejected):
    code = "not_found"


class IllegalTransition(JobRejected):
    code = "illegal_transition"


class LeaseLost(JobRejected):
    code = "lease_lost"


class LeasedToOther(JobRejected):
    code = "leased_to_other"


class DependenciesUnmet(JobRejected):
    code = "dependencies_unmet"


class DependencyCycle(JobRejected):
    code = "dependency_cycle"


class OpenSubtasks(JobRejected):
    code = "open_subtasks"


class ApprovalRequired(JobRejected):
    code = "approval_required"


class NotAMember(JobRejected):
    code = "not_a_member"


class NotAllowed(JobRejected):
    code = "not_allowed"


class VersionConflict(JobRejected):
    code = "version_conflict"


class AlreadyExists(JobRejected):
    code = "already_exists"


class IdempotencyConflict(JobRejected):
    code = "idempotency_conflict"


class Expired(JobRejected):
    code = "expired"

    @classmethod
    def since(cls, expires_at: datetime) -> Self:
        """Of a job that names this time itself."""
        return cls(f"The job was to be applied before {expires_at.isoformat()}; send a new one.")


class Aborted(JobRejected):
    code = "aborted"


class TenantSuspended(JobRejected):
    code = "tenant_suspended"


class LimitExceeded(JobRejected):
    code = "limit_exceeded"


class JobConflict(JobError):
    """A race was lost; the batch is read again. `sqlstate` is None for a version guard of ours."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class KinUnknown(JobError):
    """The job concerns rows that its batch did not read, for what the batch itself has done."""


class JobDataError(JobError):
    """A statement of the save broke on one job's values (class 22, 23 or 54)."""

    def __init__(self, message: str, sqlstate: str, constraint: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.constraint = constraint


class TooManyKin(JobDataError):
    """The job concerns more rows than one transaction should hold."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"This concerns more than {limit} tasks around it, and a job may touch no more; "
            "do it to the larger branches first, one by one.",
            sqlstate="54000",
        )


class StoreUnavailable(JobError):
    """PostgreSQL cannot serve now, or a deploy went wrong; no job is to blame."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
