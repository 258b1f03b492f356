"""How each case of a batch is decided: what is known is answered, what is new meets its rule.

Synchronous and pure, like the rules: all rows are on the board, all known jobs in `stored`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from db.loading import Loaded
from db.repositories.ledger import Entry
from jobs.codec import InvalidJob, Poison, Reference, UnknownJob
from jobs.entities import Key, TaskStatus
from jobs.envelope import AnyJob, Job
from jobs.errors import (
    Aborted,
    Expired,
    IdempotencyConflict,
    Invalid,
    JobRejected,
    KinUnknown,
    NotAllowed,
    NotFound,
)
from jobs.outcomes import Buried, Rejected, Stored, Verdict
from jobs.rules import decide
from settings import Settings
from worker.cases import (
    Case,
    envelope_text,
    expiry,
    is_ephemeral,
    recorded_request,
    same_content,
)
from worker.dead.dead_letters import buried, dead_letter, fingerprint
from worker.deliveries import Deferred, HandedBack, Kept, Refused, Settled

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.1, 2.0
LONGEST_PARKING_SECONDS = 300.0
FEED_SLACK = timedelta(seconds=5)
"""The sweeper feeds a deferred job only when its own entry in Redis is overdue by this."""
CLOCK_TOLERANCE = timedelta(days=1)
NOT_KNOWN = "this worker does not know the kind or version"


class Deciding:
    """One batch's decisions. Later cases see what earlier ones did to the board."""

    def __init__(self, loaded: Loaded, stored: Mapping[Key, Entry], settings: Settings) -> None:
        self._loaded = loaded
        self._board = loaded.board
        self._stored = stored
        self._settings = settings
        self._first: dict[Key, Case] = {}
        # In seconds, like what a UUIDv7 says: it reaches beyond the year 9999, where datetime ends.
        now = self._board.now.timestamp()
        self._oldest = now - timedelta(days=settings.job_id_horizon_days).total_seconds()
        self._newest = now + CLOCK_TOLERANCE.total_seconds()

    def decide(self, cases: list[Case]) -> None:
        """Gives each case its disposition; who misses something is tried once more at the end."""
        missing = [case for case in cases if not self._decided(case, last=False)]
        for case in missing:
            self._decided(case, last=True)

    def conclude(self, case: Case, verdict: Callable[[UUID], Verdict]) -> None:
        """Gives the case this verdict, unless it is settled already or cannot have one."""
        if not self._has_no_place(case) and not self._is_known(case, _key(case)):
            self._settle(case, verdict(_id(case)))

    def _decided(self, case: Case, *, last: bool) -> bool:
        if self._has_no_place(case):
            return True
        if self._is_known(case, _key(case)):
            return True
        first = self._first.setdefault(_key(case), case)
        return self._rule(case, last=last) if first is case else self._follow(case, first)

    def _has_no_place(self, case: Case) -> bool:
        """Whether no tenant's ledger can take the case; then it is kept as a dead letter."""
        match case.request:
            case Reference():
                case.disposition = Kept("a wake-up for a job that was never recorded")
            case Poison():
                self._keep_bytes(case, case.request)
            case _ if _tenant(case) not in self._board.tenants:
                envelope = envelope_text(case.request).encode()
                self._keep_bytes(case, Poison(envelope, "unknown_tenant", "no such tenant"))
            case _:
                return False
        return True

    def _follow(self, case: Case, first: Case) -> bool:
        """The same id twice in one batch: one effect, the first one's answer."""
        if not same_content(case.request, first.request):
            self._answer_conflict(case, None if first.verdict is None else first.verdict.as_json())
        elif first.disposition is None:
            return False
        else:
            case.disposition = first.disposition
        return True

    def _is_known(self, case: Case, key: Key) -> bool:
        entry = self._stored.get(key)
        if entry is None:
            return False
        recorded = recorded_request(entry)
        if not same_content(case.request, recorded):
            self._answer_conflict(case, entry.outcome)
        elif entry.outcome is not None:
            case.disposition = Settled(Stored(entry.id, entry.outcome))
        elif case.request != recorded and not case.delivery.trusted:
            # Redis may have been written to; the sweeper wakes what was accepted.
            case.disposition = Kept("not in every field what was recorded")
        return case.disposition is not None

    def _answer_conflict(self, case: Case, first: dict[str, object] | None) -> None:
        """A reply only: the ledger keeps what the id meant first."""
        job_id = _id(case)
        error = IdempotencyConflict("This id was used for another job; use a new id.")
        case.disposition = Settled(Rejected(job_id, error.code, error.message, first=first))

    def _rule(self, case: Case, *, last: bool) -> bool:
        match case.request:
            case UnknownJob():
                self._park(case, case.request)
            case InvalidJob(message=message):
                self._settle(case, Rejected.by(Invalid(message), _id(case)))
            case Job() if case.delivery.is_aborted:
                withdrawn = Aborted("Its producer aborted the job before it was applied.")
                self._settle(case, Rejected.by(withdrawn, _id(case)))
            case Job() if self._loaded.is_busy(case.request):
                case.disposition = HandedBack()
            case Job():
                return self._apply(case, case.request, last=last)
        return True

    def _apply(self, case: Case, job: AnyJob, *, last: bool) -> bool:
        waiting = self._waits_for(case)
        if waiting and self._may_wait(case, job, self._settings.after_limit_seconds):
            return self._wait(case, last=last)
        before = len(self._board.events)
        try:
            self._require_in_time(case, job, waiting)
            verdict: Verdict = decide(self._board, job, trusted=case.delivery.trusted)
        except NotFound as error:
            if self._may_wait(case, job, self._settings.missing_row_grace_seconds):
                return self._wait(case, last=last)
            verdict = Rejected.by(error, job.id)
        except JobRejected as error:
            verdict = Rejected.by(error, job.id)
        except KinUnknown as error:
            if len(self._first) > 1 or self._loaded.busy:
                case.disposition = HandedBack()
                return True
            verdict = buried(job.id, error)
        except Exception as error:  # noqa: BLE001 - a rule that breaks costs its own job only
            verdict = buried(job.id, error)
        self._settle(case, verdict, events=len(self._board.events) - before)
        return True

    def _waits_for(self, case: Case) -> list[UUID]:
        """The ids of `after` that were settled neither before this batch was read nor by it."""
        return [job_id for job_id in case.after if not self._is_settled((_tenant(case), job_id))]

    def _is_settled(self, key: Key) -> bool:
        here = self._first.get(key)
        return key in self._loaded.settled or (here is not None and here.verdict is not None)

    def _may_wait(self, case: Case, job: AnyJob, limit_seconds: float) -> bool:
        if case.delivery.trusted or is_ephemeral(job):
            return False
        if job.expires_at is not None and job.expires_at <= self._board.now:
            return False
        return self._board.now < self._accepted_at(case) + timedelta(seconds=limit_seconds)

    def _wait(self, case: Case, *, last: bool) -> bool:
        if not last:
            return False
        delay = self._write_accepted(case, LONGEST_DELAY_SECONDS)
        case.disposition = Deferred(delay)
        return True

    def _park(self, case: Case, job: UnknownJob) -> None:
        """Kept for a worker that knows kind and version; meanwhile its fingerprint shows it."""
        expires_at = expiry(job)
        if expires_at is not None and expires_at <= self._board.now:
            self._settle(case, Rejected.by(Expired.since(expires_at), job.id))
            return
        self._write_accepted(case, LONGEST_PARKING_SECONDS, NOT_KNOWN)
        case.disposition = Kept(NOT_KNOWN)

    def _require_in_time(self, case: Case, job: AnyJob, waiting: list[UUID]) -> None:
        """Once stays once: an id from before the ledger's horizon may have been forgotten."""
        if waiting:
            raise Expired(f"Not settled in time: {', '.join(map(str, waiting))}.")
        if _key(case) in self._stored or case.delivery.trusted:
            return
        made_at = (job.id.int >> 80) / 1000
        if made_at < self._oldest:
            raise Expired("The job's id is older than the ledger remembers; use a new id.")
        if made_at > self._newest:
            raise Invalid("The job's id lies in the future; set the producer's clock.")

    def _settle(self, case: Case, verdict: Verdict, *, events: int = 0) -> None:
        case.verdict = verdict
        case.disposition = Settled(verdict, ready_for=self._ready_by(events))
        if is_ephemeral(case.request, verdict) and _key(case) not in self._stored:
            return
        entry = self._entry(case, verdict.status)
        entry.outcome = verdict.as_stored()
        entry.events = events
        entry.settled_at = self._board.now
        if isinstance(verdict, Buried):
            entry.error, entry.traceback = verdict.error, verdict.traceback
            entry.fingerprint = fingerprint(entry.kind, verdict.error)
        case.written = entry

    def _ready_by(self, events: int) -> UUID | None:
        """The tenant, if a task of the last so many events can be dispatched now."""
        for event in self._board.events[len(self._board.events) - events :]:
            task = self._board.tasks.get((event.tenant_id, event.entity_id))
            if task is not None and task.status is TaskStatus.PENDING and task.is_open:
                return event.tenant_id
        return None

    def _write_accepted(self, case: Case, longest_seconds: float, why: str | None = None) -> float:
        entry = self._entry(case, "accepted")
        if why is not None:
            entry.error, entry.fingerprint = why, fingerprint(entry.kind, why)
        delay = min(longest_seconds, FIRST_DELAY_SECONDS * 2.0 ** min(entry.attempts - 1, 20))
        entry.next_feed_at = self._board.now + timedelta(seconds=delay)
        if case.delivery.is_queued:
            entry.next_feed_at += FEED_SLACK
        case.written = entry
        return delay

    def _entry(self, case: Case, status: str) -> Entry:
        stored = self._stored.get(_key(case))
        return Entry(
            tenant_id=_tenant(case),
            id=_id(case),
            kind=_kind(case),
            envelope=envelope_text(case.request),
            status=status,
            accepted_at=self._accepted_at(case),
            attempts=max(case.delivery.count, 1 if stored is None else stored.attempts + 1),
        )

    def _accepted_at(self, case: Case) -> datetime:
        stored = self._stored.get(_key(case))
        return self._board.now if stored is None else stored.accepted_at

    def _keep_bytes(self, case: Case, poison: Poison) -> None:
        case.letter = dead_letter(case.delivery, poison, self._board.now)
        case.disposition = _told(poison)


def _told(poison: Poison) -> Kept | Refused:
    """Who claims a job that is not his to ask for hears so, and the id that he named stays free."""
    if poison.claimed is None:
        return Kept(poison.reason)
    return Refused(Rejected.by(NotAllowed(poison.message), poison.claimed.id))


def _key(case: Case) -> Key:
    if case.key is None:
        raise TypeError("what cannot be read has no key")
    return case.key


def _tenant(case: Case) -> UUID:
    return _key(case)[0]


def _id(case: Case) -> UUID:
    return _key(case)[1]


def _kind(case: Case) -> str:
    if isinstance(case.request, Reference | Poison):
        raise TypeError("what cannot be read has no kind")
    return str(case.request.kind)
