"""How a job ends: applied, rejected or buried. Nothing else."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from jobs.errors import JobRejected, Observed, RejectionCode

CONTENT = ("title", "description", "attributes")
"""What the holder of a new lease is told once and the ledger does not keep."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The job's changes and events are committed; `result` names ids, versions and tokens."""

    job_id: UUID
    result: dict[str, Any]
    status: Literal["applied"] = "applied"

    def as_json(self) -> dict[str, Any]:
        return {"job_id": str(self.job_id), "status": self.status, "result": self.result}

    def as_stored(self) -> dict[str, Any]:
        """The outcome without the content of tasks: the ledger keeps ids and versions."""
        tasks = self.result.get("tasks")
        if tasks is None:
            return self.as_json()
        kept = [{k: v for k, v in task.items() if k not in CONTENT} for task in tasks]
        return self.as_json() | {"result": self.result | {"tasks": kept}}


@dataclass(frozen=True, slots=True)
class Rejected:
    """The rules said no, for good: to try again, use a new job id."""

    job_id: UUID
    code: RejectionCode
    message: str
    alternatives: tuple[str, ...] = ()
    observed: Observed = field(default_factory=Observed)
    first: dict[str, Any] | None = None
    status: Literal["rejected"] = "rejected"

    @classmethod
    def by(cls, error: JobRejected, job_id: UUID) -> "Rejected":
        observed = error.observed or Observed()
        return cls(job_id, error.code, error.message, error.alternatives, observed)

    def as_json(self) -> dict[str, Any]:
        outcome: dict[str, Any] = {
            "job_id": str(self.job_id),
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "alternatives": list(self.alternatives),
            "observed": {"status": self.observed.status, "version": self.observed.version},
        }
        return outcome if self.first is None else outcome | {"first_outcome": self.first}

    as_stored = as_json


@dataclass(frozen=True, slots=True)
class Buried:
    """The job broke whoever handled it; an operator decides what becomes of it."""

    job_id: UUID
    error: str
    traceback: str | None = None
    status: Literal["buried"] = "buried"

    def as_json(self) -> dict[str, Any]:
        return {"job_id": str(self.job_id), "status": self.status, "error": self.error}

    as_stored = as_json


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome that the ledger already had for this id."""

    job_id: UUID
    outcome: dict[str, Any]

    @property
    def status(self) -> str:
        return str(self.outcome["status"])

    def as_json(self) -> dict[str, Any]:
        return self.outcome


Verdict = Applied | Rejected | Buried
"""What the ledger records."""
Outcome = Verdict | Stored
"""What a producer is told."""
