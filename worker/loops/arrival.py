"""A worker that arrives takes up what was parked for one that knows more than its elders."""

from dataclasses import dataclass

from sqlalchemy import text

from db.conflicts import translated
from jobs.envelope import WIRE_KINDS
from worker.runtime import Runtime

MOST_JOBS = 10_000
"""At once; what is behind them comes in its own time, five minutes later at most."""

WAKE = text("""
    UPDATE taskrail.job SET next_feed_at = clock_timestamp()
    WHERE (tenant_id, id) IN (
        SELECT tenant_id, id FROM taskrail.job
        WHERE status = 'accepted' AND fingerprint IS NOT NULL AND kind = ANY(:kinds)
        ORDER BY accepted_at, id, tenant_id LIMIT :jobs
        FOR UPDATE SKIP LOCKED
    )
""")


@dataclass(slots=True)
class Arrival:
    """Remembers that this worker has looked."""

    is_over: bool = False

    async def take_up(self, runtime: Runtime) -> int:
        """What is parked and of a known kind is due now; how many jobs that are. Once a worker."""
        if self.is_over:
            return 0
        with translated():
            async with runtime.keeper.begin() as connection:
                given = {"kinds": list(WIRE_KINDS), "jobs": MOST_JOBS}
                jobs = (await connection.execute(WAKE, given)).rowcount
        self.is_over = True
        return jobs
