"""Accepted jobs whose time has come, taken from the ledger: the oldest first, each once a period.

There are two who take them: the sweeper, which queues them, and the drain, which applies them
itself while Redis is away, so that it counts their deliveries.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import DateTime, Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.conflicts import translated
from db.reads.paging import EVER
from jobs.codec import Reference
from jobs.entities import Key
from jobs.errors import JobConflict, StoreUnavailable
from worker.counting import ALONE_FROM_DELIVERY, KEYS, arrays_of
from worker.glance import is_any

LATE = timedelta(seconds=10)
"""A transaction may commit so long after it has said when its job is due; rarely longer."""
FROM_THE_START_SECONDS = 30.0

FLOOR = bindparam("floor", type_=DateTime(timezone=True))
ANY = text("""
    SELECT 1 FROM taskrail.job
    WHERE status = 'accepted' AND next_feed_at > :floor AND next_feed_at <= clock_timestamp()
    LIMIT 1
""").bindparams(FLOOR)
DUE = """
    WITH due AS (
        SELECT tenant_id, id, next_feed_at, deliveries FROM taskrail.job
        WHERE status = 'accepted' AND next_feed_at > :floor AND next_feed_at <= clock_timestamp()
        ORDER BY next_feed_at
        LIMIT :jobs
        FOR UPDATE SKIP LOCKED
    )
"""
TAKE = text(f"""{DUE}
    UPDATE taskrail.job SET next_feed_at = clock_timestamp() + make_interval(secs => :again)
    FROM due WHERE job.tenant_id = due.tenant_id AND job.id = due.id
    RETURNING job.accepted_at, job.id, job.tenant_id, job.kind, due.next_feed_at
""").bindparams(FLOOR)  # noqa: S608 - the part is a constant
TAKE_COUNTED = text(f"""{DUE}, suspect AS (
        SELECT tenant_id, id FROM due WHERE deliveries >= :alone_after
        ORDER BY next_feed_at LIMIT 1
    )
    UPDATE taskrail.job SET next_feed_at = clock_timestamp() + make_interval(secs => :again),
        deliveries = job.deliveries + 1
    FROM due LEFT JOIN suspect ON suspect.tenant_id = due.tenant_id AND suspect.id = due.id
    WHERE job.tenant_id = due.tenant_id AND job.id = due.id
        AND (suspect.id IS NOT NULL OR NOT EXISTS (SELECT FROM suspect))
    RETURNING job.accepted_at, job.id, job.tenant_id, job.deliveries, due.next_feed_at
""").bindparams(FLOOR)  # noqa: S608 - the part is a constant
HOLD = text("""
    WITH held AS (
        SELECT job.tenant_id, job.id
        FROM unnest(:tenants, :jobs) AS given (tenant_id, id)
        JOIN taskrail.job ON job.tenant_id = given.tenant_id AND job.id = given.id
        WHERE job.status = 'accepted' AND job.deliveries > 0
        FOR UPDATE OF job SKIP LOCKED
    )
    UPDATE taskrail.job SET next_feed_at = clock_timestamp() + make_interval(secs => :seconds)
    FROM held WHERE job.tenant_id = held.tenant_id AND job.id = held.id
""").bindparams(*KEYS)


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
            self._passed(found)
        return [(Reference(row.tenant_id, row.id), row.kind) for row in sorted(found)]

    async def take_counted(
        self, connection: AsyncConnection, most: int, again_seconds: float
    ) -> list[tuple[Reference, int]]:
        """As `take`, each with the number of its deliveries, this one included.

        A suspect that is due comes first and alone; the others are as if nobody had looked.
        """
        binds = {"floor": self._place(), "jobs": most, "again": again_seconds}
        alone_after = ALONE_FROM_DELIVERY - 1
        rows = await connection.execute(TAKE_COUNTED, binds | {"alone_after": alone_after})
        found = rows.all()
        # Before a suspect others may stand that were not taken.
        if found and found[0].deliveries <= alone_after:
            self._passed(found)
        return [(Reference(row.tenant_id, row.id), row.deliveries) for row in sorted(found)]

    def _passed(self, found: Sequence[Row[Any]]) -> None:
        self._floor = max(self._floor, max(row.next_feed_at for row in found) - LATE)

    def _place(self) -> datetime:
        """Where to go on; from the start every now and then, for what committed very late."""
        if monotonic() - self._began_at > FROM_THE_START_SECONDS:
            self._floor, self._began_at = EVER, monotonic()
        return self._floor


@asynccontextmanager
async def held(jobs: Collection[Key], seconds: float, keeper: AsyncEngine) -> AsyncIterator[None]:
    """Nobody else takes these from the ledger while the block runs: they are due `seconds` later.

    Else six workers that are only slow would count as six that died.
    """
    over = asyncio.Event()
    holding = asyncio.create_task(_hold(jobs, seconds, keeper, over))
    try:
        yield
    finally:
        over.set()
        await holding


async def _hold(
    jobs: Collection[Key], seconds: float, keeper: AsyncEngine, over: asyncio.Event
) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds / 3):
                await over.wait()
        if over.is_set():
            return
        with suppress(JobConflict, StoreUnavailable), translated():
            async with keeper.begin() as connection:
                await connection.execute(HOLD, arrays_of(jobs) | {"seconds": seconds})
