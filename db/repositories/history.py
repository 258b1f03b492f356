"""What happened: events, their outbox rows, comments, counter deltas. Only ever appended."""

from collections.abc import Collection
from dataclasses import fields

from sqlalchemy import func, insert, select, update

from db.arrays import arrays, bulk_insert, keyed, keys, matches, table_of
from db.driver import Driver
from db.models import Comment as CommentRow
from db.models import Event as EventRow
from db.models import Outbox
from db.models import Tally as TallyRow
from jobs.entities import Comment, Event, Key, Tally

EVENT = [field.name for field in fields(Event)]
COMMENT = [field.name for field in fields(Comment)]
OUTBOX = ["tenant_id", "entity_id", "seq"]

EVENTS = table_of(EventRow)
_NEW = bulk_insert(EVENTS, EVENT).returning(*(EVENTS.c[name] for name in OUTBOX)).cte("new")
INSERT_EVENTS = insert(table_of(Outbox)).from_select(OUTBOX, select(_NEW), include_defaults=False)
COMMENTS = table_of(CommentRow)
ERASED = "(erased)"
INSERT_COMMENTS = bulk_insert(COMMENTS, COMMENT)
TALLY = [field.name for field in fields(Tally)]
INSERT_TALLY = bulk_insert(table_of(TallyRow), TALLY)


ERASE_COMMENTS = (
    update(COMMENTS)
    .values(body=ERASED, deleted_at=func.coalesce(COMMENTS.c.deleted_at, func.clock_timestamp()))
    .where(*matches(COMMENTS, keyed("tenant_id", "task_id"), "tenant_id", "task_id"))
)


class History:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def append(self, events: list[Event]) -> None:
        """Every event is to be published, so each gets its outbox row in the same breath."""
        await self._driver.execute(INSERT_EVENTS, arrays(events, EVENT))

    async def comment(self, comments: list[Comment]) -> None:
        await self._driver.execute(INSERT_COMMENTS, arrays(comments, COMMENT))

    async def erase_comments(self, tasks: Collection[Key]) -> None:
        await self._driver.execute(ERASE_COMMENTS, keys(tasks, ("tenant_id", "task_id")))

    async def count(self, deltas: list[Tally]) -> None:
        """Appends what changed a project: no project row is written by its tasks."""
        await self._driver.execute(INSERT_TALLY, arrays(deltas, TALLY))
