"""The ledger: whether what was recorded is taken up, by way of Redis or without it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ops.doctor.finding import Finding, judged

OVERDUE_SECONDS = 30
"""Longer than a job waits that was fed and is fed again (ten seconds), or put back."""
OVERDUE = text("""
    SELECT count(*), floor(extract(epoch FROM clock_timestamp() - min(next_feed_at)))
    FROM taskrail.job
    WHERE status = 'accepted' AND next_feed_at < clock_timestamp() - make_interval(secs => :seconds)
""")


async def ledger(connection: AsyncConnection, *, is_redis_away: bool) -> list[Finding]:
    """Whether workers take up what is recorded; without Redis they take it from the ledger."""
    overdue, oldest = (await connection.execute(OVERDUE, {"seconds": OVERDUE_SECONDS})).one()
    way = "Redis is away, so workers drain the ledger; " if is_redis_away else ""
    number = f"{overdue} overdue, the oldest by {oldest} s" if overdue else "none is overdue"
    return [
        judged(
            "recorded jobs",
            f"{way}{number}",
            "no worker takes them, or too few: start `taskrail worker`, and read its log.",
            sound=not overdue,
            level="warning",
        )
    ]
