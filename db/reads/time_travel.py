"""A task's past, from its events: all of them, the task as it was, and what changed since.

One statement each. Raises TaskUnknown or NoSuchMoment, both LookupErrors; a time without an offset
is a ValueError.
"""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import entity_columns, table_of
from db.models import Event as EventRow
from jobs.difference import Difference, difference
from jobs.entities import Event
from jobs.fold import TaskState, fold_task

Moment = int | datetime
"""A version of the task, or a time: the last version that was made by then."""

PAGE_EVENTS = 100
EVENT = table_of(EventRow)
COLUMNS = [field.name for field in fields(Event)]
UNTIL = text(f"""
    WITH known AS (
        SELECT max(seq) AS last, max(seq) FILTER (WHERE at <= CAST(:at AS timestamptz)) AS by_then
        FROM taskrail.event
        WHERE tenant_id = :tenant_id AND entity_id = :task_id AND entity_type = 'task'
    )
    SELECT known.last, {", ".join(f"event.{name}" for name in COLUMNS)}
    FROM known LEFT JOIN taskrail.event
        ON event.tenant_id = :tenant_id AND event.entity_id = :task_id
        AND event.seq <= greatest(CAST(:version AS bigint), known.by_then)
    WHERE known.last IS NOT NULL
    ORDER BY event.seq
""")  # noqa: S608 - the names are the entity's fields


class TaskUnknown(LookupError):  # noqa: N818 - errors say what is the case
    """The tenant has no task of this id, and never had."""


class NoSuchMoment(LookupError):  # noqa: N818 - errors say what is the case
    """The task did not exist yet, or has not come so far."""


async def history(
    connection: AsyncConnection,
    tenant_id: UUID,
    task_id: UUID,
    *,
    after_seq: int = 0,
    limit: int = PAGE_EVENTS,
) -> list[Event]:
    """At most `limit` events of the task after the event `after_seq`, oldest first.

    A page shorter than `limit` is the last one.
    """
    rows = await connection.execute(
        select(*entity_columns(EVENT, Event))
        .where(EVENT.c.tenant_id == tenant_id, EVENT.c.entity_id == task_id)
        .where(EVENT.c.entity_type == "task", EVENT.c.seq > after_seq)
        .order_by(EVENT.c.seq)
        .limit(limit)
    )
    events = [Event(*row) for row in rows]
    if not events and after_seq <= 0 < limit:
        raise TaskUnknown(f"there is no task {task_id}")
    return events


async def as_of(
    connection: AsyncConnection,
    tenant_id: UUID,
    task_id: UUID,
    *,
    at: datetime | None = None,
    version: int | None = None,
) -> TaskState:
    """The task as it was at a time, or when it had a version; say one of the two."""
    moment = version if at is None else at
    if moment is None or (at is not None and version is not None):
        raise ValueError("say either a time or a version")
    events, last = await _until(connection, tenant_id, task_id, (moment,))
    return fold_task(events[: _version(events, last, moment)])


async def diff(
    connection: AsyncConnection, tenant_id: UUID, task_id: UUID, old: Moment, new: Moment
) -> Difference:
    """How the task at `new` differs from the task at `old`, and what happened in between."""
    events, last = await _until(connection, tenant_id, task_id, (old, new))
    return difference(events, _version(events, last, old), _version(events, last, new))


async def _until(
    connection: AsyncConnection, tenant_id: UUID, task_id: UUID, moments: tuple[Moment, ...]
) -> tuple[list[Event], int]:
    """The events up to the last of the moments, and the task's version today."""
    times = [moment for moment in moments if isinstance(moment, datetime)]
    if any(time.tzinfo is None for time in times):
        raise ValueError("a time needs an offset")
    rows = await connection.execute(
        UNTIL,
        {
            "tenant_id": tenant_id,
            "task_id": task_id,
            "at": max(times, default=None),
            "version": max((m for m in moments if not isinstance(m, datetime)), default=None),
        },
    )
    found = rows.all()
    if not found:
        raise TaskUnknown(f"there is no task {task_id}")
    return [_event(row) for row in found if row.seq is not None], found[0].last


def _event(row: Row[Any]) -> Event:
    return Event(**{name: getattr(row, name) for name in COLUMNS})


def _version(events: list[Event], last: int, moment: Moment) -> int:
    """The version that the task had at the moment."""
    if isinstance(moment, datetime):
        by_then = [event.seq for event in events if event.at <= moment]
        if not by_then:
            raise NoSuchMoment(f"the task did not exist yet at {moment.isoformat()}")
        return by_then[-1]
    if not 1 <= moment <= last:
        raise NoSuchMoment(f"the task has the versions 1 to {last}, and no version {moment}")
    return moment
