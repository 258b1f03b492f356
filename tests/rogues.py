"""Sessions of strangers that let a worker's transaction wait, written but not committed."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.envelope import AnyJob
from tests.waiting import until
from tests.workers import Scene

PATIENT = {
    "lock_timeout_ms": 60_000,
    "statement_timeout_ms": 70_000,
    "command_timeout_seconds": 80.0,
}
"""Settings of workers that wait for a stranger for as long as the test needs."""
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'taskrail worker'"
    " AND wait_event_type = 'Lock' AND datname = current_database()"
)


async def occupy(rogue: AsyncConnection, job: AnyJob) -> None:
    """An uncommitted ledger row with this id: whoever writes the same one waits for us."""
    await stay(rogue)
    await rogue.execute(
        text(
            "INSERT INTO taskrail.job (tenant_id, id, kind, envelope, next_feed_at)"
            " VALUES (:tenant_id, :id, 'task.create', '{}', clock_timestamp())"
        ),
        {"tenant_id": job.tenant_id, "id": job.id},
    )


async def stay(rogue: AsyncConnection) -> None:
    """This transaction may idle for as long as it likes."""
    await rogue.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


async def waits_in_transaction(scene: Scene) -> bool:
    """A worker's."""
    return bool(await scene.engine.execute(WAITING))


async def forget_the_dead(scene: Scene) -> None:
    """What workers that were killed have left waiting is over: PostgreSQL would notice later."""
    await scene.engine.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS left_over")  # noqa: S608
    await until(lambda: _nobody_waits(scene))


async def _nobody_waits(scene: Scene) -> bool:
    return not await waits_in_transaction(scene)
