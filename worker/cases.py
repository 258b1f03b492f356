"""A case: one delivery on its way to a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json

from db.repositories.dead_letters import DeadLetter
from db.repositories.ledger import Entry
from db.unit_of_work import UnitOfWork
from jobs.board import Board
from jobs.codec import InvalidJob, Poison, Reference, Request, UnknownJob, read_envelope
from jobs.entities import Key, Tenant
from jobs.envelope import EPHEMERAL_KINDS, SYSTEM_KINDS, Job
from jobs.outcomes import Applied, Buried, Rejected, Verdict
from jobs.values import Time, same_json
from worker.deliveries import Delivery, Disposition
from worker.runtime import Runtime
from worker.signals import DeadLettered, JobBuried

CONTENT = ("kind", "schema_version", "actor_id", "payload")
"""What makes two envelopes with one id the same job."""
UNREADABLE = "a number is too long or JSON nests too deep. Correct it and use a new id."
_TIME: TypeAdapter[datetime] = TypeAdapter(Time, config=ConfigDict(strict=True))


@dataclass(slots=True)
class Case:
    """`request` is the delivery's, or the recorded one where the delivery only refers to it.

    `written` is what the ledger gets, `letter` what is kept where no ledger has a place for it.
    """

    delivery: Delivery
    request: Request
    verdict: Verdict | None = None
    disposition: Disposition | None = None
    written: Entry | None = None
    letter: DeadLetter | None = None
    key: Key | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if not isinstance(self.request, Poison):
            self.key = (self.request.tenant_id, self.request.id)

    @property
    def after(self) -> list[UUID]:
        return self.request.after if isinstance(self.request, Job) else []


def is_ephemeral(request: Request, verdict: Verdict | None = None) -> bool:
    """Renewals, and a dispatch that found nothing: answered, never recorded.

    So is a refusal of the system's own jobs: their ids follow from causes that may still be there.
    """
    if not isinstance(request, Job):
        return False
    if request.kind in SYSTEM_KINDS:
        return isinstance(verdict, Rejected)
    found_nothing = isinstance(verdict, Applied) and verdict.result.get("tasks") == []
    return request.kind in EPHEMERAL_KINDS or found_nothing


def expiry(job: UnknownJob) -> datetime | None:
    """When it expires, which all kinds and versions say in one way; None if it says no time."""
    try:
        return _TIME.validate_json(to_json(job.envelope.get("expires_at")))
    except ValidationError:
        return None


def envelope_text(request: Request) -> str:
    """The envelope as it was sent, as JSON text."""
    match request:
        case Job():
            return request.model_dump_json(exclude_unset=True)
        case InvalidJob() | UnknownJob():
            return to_json(request.envelope).decode()
        case Reference() | Poison():
            raise TypeError("there is no envelope to record")


def same_content(left: Request, right: Request) -> bool:
    """Equal as JSONB in what counts; times of issue, `after` and traces do not."""
    return same_json(_content(left), _content(right))


def _content(request: Request) -> list[Any]:
    match request:
        case Job():
            given = request.model_dump(mode="json", include=set(CONTENT), exclude_unset=True)
            envelope = {"schema_version": 1} | given
        case InvalidJob() | UnknownJob():
            envelope = {"schema_version": 1} | request.envelope
        case Reference() | Poison():
            envelope = {}
    return [envelope.get(name) for name in CONTENT]


def in_causal_order(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Queue order, but each job behind those of the same batch that it names in `after`."""
    by_key = {
        (d.request.tenant_id, d.request.id): d for d in deliveries if isinstance(d.request, Job)
    }
    ordered: dict[int, Delivery] = {}
    seen: set[int] = set()
    # A stack of our own: a chain may be longer than Python's may be deep.
    to_place = list(reversed(deliveries))
    while to_place:
        delivery = to_place.pop()
        if id(delivery) in seen:
            ordered.setdefault(id(delivery), delivery)
            continue
        seen.add(id(delivery))
        named = (by_key.get(key) for key in _named_after(delivery))
        earlier = [other for other in named if other is not None and id(other) not in seen]
        to_place += [delivery, *reversed(earlier)]
    return list(ordered.values())


def _named_after(delivery: Delivery) -> Iterator[Key]:
    if isinstance(delivery.request, Job):
        for job_id in delivery.request.after:
            yield delivery.request.tenant_id, job_id


async def open_cases(uow: UnitOfWork, batch: Sequence[Delivery]) -> list[Case]:
    """A case for each delivery; wake-ups become the recorded jobs that they refer to."""
    cases = [Case(delivery, delivery.request) for delivery in batch]
    await uow.declare({case.key[0] for case in cases if case.key})
    references = [case for case in cases if isinstance(case.request, Reference)]
    stored = await uow.ledger.read(_keys(references)) if references else {}
    for case in references:
        if case.key in stored:
            case.request = recorded_request(stored[case.key])
    return cases


def recorded_request(entry: Entry) -> Request:
    """What stands in the ledger keeps its key, however broken it is: it must be settled there."""
    if not entry.envelope:
        return InvalidJob(*entry.key, entry.kind, {}, UNREADABLE)
    request = read_envelope(entry.envelope)
    if isinstance(request, Poison):
        return InvalidJob(*entry.key, entry.kind, entry.envelope, request.message)
    return request


async def read_time_and_tenants(
    uow: UnitOfWork, cases: Sequence[Case]
) -> tuple[datetime, dict[UUID, Tenant]]:
    """To be read after the last lock: no rule sees a moment before another transaction's end."""
    return await uow.tenants.load({tenant_id for tenant_id, _ in _keys(cases)})


async def read_ledger(uow: UnitOfWork, cases: Sequence[Case]) -> dict[Key, Entry]:
    """What is known of these jobs; read after the locks."""
    ids = _keys(cases)
    return await uow.ledger.read(ids) if ids else {}


async def write_down(uow: UnitOfWork, board: Board, cases: Sequence[Case]) -> None:
    """All that was decided is written, to be committed: verdicts, rows, dead letters."""
    await uow.save(board, [case.written for case in cases if case.written])
    await uow.keep([case.letter for case in cases if case.letter])


def announce(cases: Sequence[Case], runtime: Runtime) -> None:
    """Tells about the few jobs that an operator will ask for."""
    for case in cases:
        if isinstance(case.verdict, Buried) and case.written is not None:
            runtime.emit(JobBuried(case.written.id, case.written.kind, case.verdict.error))
        if case.letter is not None:
            runtime.emit(DeadLettered(case.letter.reason))


def _keys(cases: Sequence[Case]) -> set[Key]:
    return {case.key for case in cases if case.key is not None}
