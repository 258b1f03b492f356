"""What a dead job would do if it were replayed now: all of it is done, looked at and rolled back.

By the same rules and on the same rows as in `apply`, and with the same locks, which are given back
at once. What the database derives by itself (`outbox`, `wording`) is not told.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from db.repositories.ledger import Entry
from db.repositories.rows import Names, Place
from db.unit_of_work import UnitOfWork, unit_of_work
from jobs.board import Board
from jobs.codec import InvalidJob, Reference, UnknownJob
from jobs.entities import Key, Project, Task, Worker
from jobs.envelope import SYSTEM_KINDS, AnyJob
from jobs.errors import IdempotencyConflict, JobDataError
from jobs.system import read_system_job
from jobs.wire import queue_id
from settings import Settings
from worker.apply import decided
from worker.cases import Case, envelope_text, recorded_request, same_content, write_down
from worker.dead.burying import concluded
from worker.deliveries import Deferred, Delivery, HandedBack, Kept, Refused, Settled
from worker.recovery import blaming

Accept = Callable[[UnitOfWork], Awaitable[object]]
Decide = Callable[[UnitOfWork, Delivery], Awaitable[tuple[list[Case], Board]]]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that would be made (no `before`), ended (no `after`) or changed: what differs."""

    table: str
    key: Values
    before: Values | None
    after: Values | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`outcome`: what the producer would be told; `accepted` if the job would have to wait."""

    outcome: dict[str, Any]
    changes: list[RowChange]


async def rehearse_job(key: Key, engine: AsyncEngine, settings: Settings) -> Rehearsal:
    """What would become of a buried job. Raises JobConflict if others have its rows now."""
    return await _rehearsed(key, lambda uow: uow.ledger.reopen([key]), engine, settings)


async def rehearse_letter(
    request: AnyJob | InvalidJob | UnknownJob, engine: AsyncEngine, settings: Settings
) -> Rehearsal:
    """What would become of the job in a dead letter. Raises JobConflict, too.

    Raises IdempotencyConflict if the tenant's ledger has another job of this id, and JobDataError
    if it could not be recorded.
    """
    key = (request.tenant_id, request.id)

    async def record(uow: UnitOfWork) -> None:
        await uow.require_recordable(envelope_text(request))
        known = (await uow.ledger.read([key])).get(key)
        if known is None:
            await uow.ledger.write([_accepted(request, await uow.clock())])
        elif not same_content(request, recorded_request(known)):
            raise IdempotencyConflict("the ledger has another job of this id")

    return await _rehearsed(key, record, engine, settings)


def _accepted(request: AnyJob | InvalidJob | UnknownJob, now: datetime) -> Entry:
    """As taskrail.record writes it."""
    envelope = envelope_text(request)
    entry = Entry(request.tenant_id, request.id, str(request.kind), envelope, "accepted", now)
    entry.next_feed_at = now
    return entry


async def _rehearsed(
    key: Key, accept: Accept, engine: AsyncEngine, settings: Settings
) -> Rehearsal:
    """A job that the database refuses at save is played again, with the verdict it would get.

    Nobody waits for a row that is missing: what counts is what would come of it if it stays away.
    """
    settings = settings.model_copy(update={"missing_row_grace_seconds": 0.0})
    play = partial(_played, key, accept, engine)
    try:
        return await play(lambda uow, delivery: decided(uow, [delivery], settings, wait=True))
    except JobDataError as error:
        verdict = blaming(error)
        return await play(lambda uow, delivery: concluded(uow, delivery, verdict, settings))


async def _played(key: Key, accept: Accept, engine: AsyncEngine, decide: Decide) -> Rehearsal:
    async with unit_of_work(engine) as uow:
        await uow.declare({key[0]})
        before = await uow.rows.read({"job": [key]})
        await accept(uow)
        entry = (await uow.ledger.read([key]))[key]
        cases, board = await decide(uow, _delivery(entry))
        names = _names(board)
        before |= await uow.rows.read(names)
        await write_down(uow, board, cases)
        after = await uow.rows.read({"job": [key], **names})
    return Rehearsal(_outcome(cases[0], entry), list(_changes(before, after)))


def _delivery(entry: Entry) -> Delivery:
    """As the sweeper wakes it; a job of the system's own is made again by its loop."""
    if entry.kind in SYSTEM_KINDS:
        return Delivery(queue_id(entry.id), read_system_job(entry.envelope), trusted=True)
    return Delivery(queue_id(entry.id), Reference(*entry.key))


def _names(board: Board) -> Names:
    """The rows that saving the board writes."""
    changed = board.changes.values()
    comments = {(comment.tenant_id, comment.task_id) for comment in board.new_comments}
    return {
        "project": [one.entity.key for one in changed if isinstance(one.entity, Project)],
        "worker": [one.entity.key for one in changed if isinstance(one.entity, Worker)],
        "member": board.member_changes.keys(),
        "task": [one.entity.key for one in changed if isinstance(one.entity, Task)],
        "lease": board.lease_changes.keys(),
        "dependency": board.dependency_changes.keys(),
        "comment": comments | board.erased_comments,
        "event": [(event.tenant_id, event.entity_id, event.seq) for event in board.events],
        "tally": board.tally.keys(),
    }


def _outcome(case: Case, entry: Entry) -> dict[str, Any]:
    waiting = {"job_id": str(entry.id), "status": "accepted"}
    match case.disposition:
        case Settled(outcome) | Refused(outcome):
            return outcome.as_json()
        case Kept(reason):
            return waiting | {"waits": reason}
        case Deferred() | HandedBack() | None:
            return waiting | {"waits": "for jobs that it names in `after`"}


def _changes(before: Mapping[Place, Values], after: Mapping[Place, Values]) -> Iterator[RowChange]:
    for table, key in {**before, **after}:
        old, new = before.get((table, key)), after.get((table, key))
        if old is not None and new is not None:
            differing = [name for name in new if old[name] != new[name]]
            old = {name: old[name] for name in differing}
            new = {name: new[name] for name in differing}
        if old != new:
            yield RowChange(table, dict(key), old, new)
