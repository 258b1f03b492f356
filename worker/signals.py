"""What happened, for logs, metrics and tests: the only way in which the flow tells anybody.

Figures are per batch or per round, never per job, except for the rare jobs that an operator will
ask about.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from worker.deliveries import Deferred, Disposition, HandedBack, Kept, Refused, Settled


@dataclass(frozen=True, slots=True)
class Taken:
    """`jobs` entries are held; the oldest was due `late_seconds` before."""

    jobs: int
    late_seconds: float


@dataclass(frozen=True, slots=True)
class BatchApplied:
    """`jobs` deliveries went through one `apply`; all that is counted here is durable."""

    jobs: int
    applied: int
    rejected: int
    buried: int
    deferred: int
    handed_back: int
    kept: int
    seconds: float

    @classmethod
    def of(cls, dispositions: Sequence[Disposition], *, seconds: float) -> Self:
        number = Counter(map(_word, dispositions))
        return cls(
            jobs=len(dispositions),
            applied=number["applied"],
            rejected=number["rejected"],
            buried=number["buried"],
            deferred=number["deferred"],
            handed_back=number["handed_back"],
            kept=number["kept"],
            seconds=seconds,
        )


@dataclass(frozen=True, slots=True)
class ConflictRetried:
    """A race was lost and the batch is read again. No `sqlstate`: a version guard of ours."""

    sqlstate: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class BatchSplit:
    """The database refused a value, and the culprit is looked for in halves."""

    size: int
    sqlstate: str


@dataclass(frozen=True, slots=True)
class JobBuried:
    """A job broke what handled it; an operator decides what becomes of it."""

    job_id: UUID
    kind: str
    error: str


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """Bytes that belong to no ledger were kept."""

    reason: str


@dataclass(frozen=True, slots=True)
class HoldLost:
    """`jobs` entries were settled too late: somebody else holds them now, and finds them known."""

    jobs: int


@dataclass(frozen=True, slots=True)
class StoreLost:
    """PostgreSQL cannot serve; nothing is taken until it can."""

    reason: str


@dataclass(frozen=True, slots=True)
class StoreBack:
    """PostgreSQL serves again."""


@dataclass(frozen=True, slots=True)
class QueueLost:
    """Redis cannot serve; it is asked again with backoff."""

    reason: str


@dataclass(frozen=True, slots=True)
class QueueEvicts:
    """Redis may drop jobs when its memory is full: set its maxmemory-policy to noeviction."""

    policy: str


@dataclass(frozen=True, slots=True)
class QueueBack:
    """Redis serves again."""


@dataclass(frozen=True, slots=True)
class LoopFailed:
    """A round of `loop` broke; the next one comes after a pause."""

    loop: str
    error: str


@dataclass(frozen=True, slots=True)
class JobsFed:
    """The sweeper woke `jobs` recorded jobs that nobody had taken up."""

    jobs: int


@dataclass(frozen=True, slots=True)
class LedgerDrained:
    """`jobs` recorded jobs went straight from the ledger through `apply`: Redis is away."""

    jobs: int


@dataclass(frozen=True, slots=True)
class LeasesExpired:
    """The reaper ended `leases` leases."""

    leases: int


@dataclass(frozen=True, slots=True)
class TallyFolded:
    """The counters of `projects` took in their deltas."""

    projects: int


@dataclass(frozen=True, slots=True)
class EventsPublished:
    """The relay put `events` into `streams` streams; the oldest happened `late_seconds` before."""

    events: int
    streams: int
    late_seconds: float


@dataclass(frozen=True, slots=True)
class StreamLost:
    """Redis has lost what was published to a tenant; `taskrail events republish` does it again."""

    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class StreamRefused:
    """Redis does not take a tenant's events; they stay in the outbox and are tried again."""

    tenant_id: UUID
    reason: str


Signal = (
    Taken
    | BatchApplied
    | ConflictRetried
    | BatchSplit
    | JobBuried
    | DeadLettered
    | HoldLost
    | StoreLost
    | StoreBack
    | QueueLost
    | QueueEvicts
    | QueueBack
    | LoopFailed
    | JobsFed
    | LedgerDrained
    | LeasesExpired
    | TallyFolded
    | EventsPublished
    | StreamLost
    | StreamRefused
)


def _word(disposition: Disposition) -> str:
    match disposition:
        case Settled(outcome):
            return outcome.status
        case Deferred():
            return "deferred"
        case HandedBack():
            return "handed_back"
        case Kept() | Refused():
            return "kept"
