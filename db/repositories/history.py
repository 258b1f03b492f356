"""What happened: events, their outbox rows, comments, counter deltas. Only ever appended."""

from dataclasses import fields

from sqlalchemy.ext.asyncio import AsyncConnection

from db.arrays import arrays, bulk_insert, table_of
from db.models import Comment as CommentRow
from db.models import Event as EventRow
from db.models import Outbox, Tally
from jobs.entities import Comment, Event, Key

EVENT = [field.name for field in fields(Event)]
COMMENT = [field.name for field in fields(Comment)]
OUTBOX = ["tenant_id", "entity_id", "seq"]

INSERT_EVENTS = bulk_insert(table_of(EventRow), EVENT)
INSERT_OUTBOX = bulk_insert(table_of(Outbox), OUTBOX)
INSERT_COMMENTS = bulk_insert(table_of(CommentRow), COMMENT)
INSERT_TALLY = bulk_insert(table_of(Tally), ["tenant_id", "project_id", "tasks", "completed"])


class History:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def append(self, events: list[Event]) -> None:
        """Every event is to be published, so each gets its outbox row in the same breath."""
        await self._connection.execute(INSERT_EVENTS, arrays(events, EVENT))
        await self._connection.execute(INSERT_OUTBOX, arrays(events, OUTBOX))

    async def comment(self, comments: list[Comment]) -> None:
        await self._connection.execute(INSERT_COMMENTS, arrays(comments, COMMENT))

    async def count(self, deltas: dict[Key, tuple[int, int]]) -> None:
        """Appends (tasks, completed) a project: no project row is written by its tasks."""
        ordered = sorted(deltas.items())
        await self._connection.execute(
            INSERT_TALLY,
            {
                "tenant_id_array": [tenant_id for (tenant_id, _), _ in ordered],
                "project_id_array": [project_id for (_, project_id), _ in ordered],
                "tasks_array": [tasks for _, (tasks, _) in ordered],
                "completed_array": [completed for _, (_, completed) in ordered],
            },
        )
