"""Accepted jobs whose time has come, taken from the ledger: the oldest first, each once a period.

There are two who take them: the sweeper, which queues them, and the drain, which applies them
itself while Redis is away.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from jobs.codec import Reference
from worker.loops.glance import is_any

EVER = datetime.min.replace(tzinfo=UTC)
LATE = timedelta(seconds=10)
"""A transaction may commit so long after it has said when its job is due; rarely longer."""
FROM_THE_START_SECONDS = 30.0

ANY = text("""
    SELECT 1 FROM taskrail.job
    WHERE status = 'accepted' AND next_feed_at > :floor AND next_feed_at <= clock_timestamp()
    LIMIT 1
""").bindparams(bindparam("floor", type_=DateTime(timezone=True)))
TAKE = text("""
    WITH due AS (
        SELECT tenant_id, id, next_feed_at FROM taskrail.job
        WHERE status = 'accepted' AND next_feed_at > :floor AND next_feed_at <= clock_timestamp()
        ORDER BY next_feed_at
        LIMIT :jobs
        FOR UPDATE SKIP LOCKED
    )
    UPDATE taskrail.job SET next_feed_at = clock_timestamp() + make_interval(secs => :again)
    FROM due WHERE job.tenant_id = due.tenant_id AND job.id = due.id
    RETURNING job.accepted_at, job.id, job.tenant_id, job.kind, due.next_feed_at
""").bindparams(bindparam("floor", type_=DateTime(timezone=True)))


class DueJobs:
    """Remembers how far it has come.

    What is settled leaves entries in the index that a long snapshot keeps: whoever began at the
    start each time would walk over more and more of them.
    """

    def __init__(self) -> None:
        self._floor = EVER
        self._began_at = monotonic()

    async def are_there(self, keeper: AsyncEngine) -> bool:
        return await is_any(keeper, ANY, floor=self._place())

    async def take(
        self, connection: AsyncConnection, most: int, again_seconds: float
    ) -> list[tuple[Reference, str]]:
        """At most so many, each with its kind, in the order of acceptance.

        They are due again after `again_seconds`, if they are not settled by then.
        """
        binds = {"floor": self._place(), "jobs": most, "again": again_seconds}
        found = (await connection.execute(TAKE, binds)).all()
        if found:
            self._floor = max(self._floor, max(row.next_feed_at for row in found) - LATE)
        return [_referred(row.tenant_id, row.id, row.kind) for row in sorted(found)]

    def _place(self) -> datetime:
        """Where to go on; from the start every now and then, for what committed very late."""
        if monotonic() - self._began_at > FROM_THE_START_SECONDS:
            self._floor, self._began_at = EVER, monotonic()
        return self._floor


def _referred(tenant_id: UUID, job_id: UUID, kind: str) -> tuple[Reference, str]:
    return Reference(tenant_id, job_id), kind
