"""What comes in with a batch, and what becomes of it in Redis."""

from dataclasses import dataclass
from uuid import UUID

from jobs.codec import Request
from jobs.outcomes import Outcome, Rejected


@dataclass(frozen=True, slots=True)
class Delivery:
    """One queue entry that was taken. `count` says how often, this time included.

    `trusted`: made by the keeper or the command line, so the system may act. `is_aborted`: its
    producer has called Arq's `Job.abort`. `is_queued`: put back, it comes again by itself, and the
    ledger's own clock is for the case that its entry is lost.
    """

    arq_id: str
    request: Request
    queue: str = "arq:queue"
    count: int = 1
    trusted: bool = False
    is_aborted: bool = False
    is_queued: bool = True


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome is durable: publish it and forget the entry.

    `ready_for`: the tenant, if a task of it became ready by this.
    """

    outcome: Outcome
    ready_for: UUID | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """Accepted in the ledger, waiting for a row or for other jobs: put back with a delay."""

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class HandedBack:
    """A row is locked by somebody else: put back for the next batch; this taking does not count."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept in the ledger or as a dead letter without an outcome: forget the entry."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Kept as a dead letter, its sender is told: forget the entry. No ledger has heard of it."""

    outcome: Rejected


Disposition = Settled | Deferred | HandedBack | Kept | Refused
