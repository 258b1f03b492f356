"""PostgreSQL: reachable, new enough, durable, and with the roles that taskrail uses."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ops.doctor.finding import Finding, judged
from ops.preparation import missing_roles

OLDEST = 15_00_00
MAX_CLOCK_DIFFERENCE = timedelta(seconds=2)


async def postgres(connection: AsyncConnection) -> list[Finding]:
    """What the server says to the login of the URL."""
    return [
        await _version(connection),
        await _clock(connection),
        await _setting(connection, "fsync", "a power cut can undo committed jobs; set fsync = on."),
        await _setting(
            connection,
            "synchronous_commit",
            "a crash can undo acknowledged jobs; set synchronous_commit = on.",
        ),
        await _membership(connection),
    ]


async def _version(connection: AsyncConnection) -> Finding:
    number = int(await _show(connection, "server_version_num"))
    return judged(
        "postgresql version",
        await _show(connection, "server_version"),
        "taskrail needs PostgreSQL 15 or newer; upgrade the server.",
        sound=number >= OLDEST,
    )


async def _clock(connection: AsyncConnection) -> Finding:
    theirs: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    difference = abs(theirs - datetime.now(UTC))
    return judged(
        "clock difference",
        f"{difference.total_seconds():.3f} s between this machine and PostgreSQL",
        "synchronise both clocks (NTP): issued_at and expires_at of jobs would mislead.",
        sound=difference <= MAX_CLOCK_DIFFERENCE,
        level="warning",
    )


async def _setting(connection: AsyncConnection, name: str, todo: str) -> Finding:
    value = await _show(connection, name)
    return judged(f"postgresql {name}", value, todo, sound=value not in {"off", "local"})


async def _membership(connection: AsyncConnection) -> Finding:
    missing = await missing_roles(connection)
    return judged(
        "postgresql roles",
        f"missing: {', '.join(missing)}" if missing else "the login belongs to all of them",
        "run `taskrail migrate roles` as a superuser or a login with CREATEROLE.",
        sound=not missing,
    )


async def _show(connection: AsyncConnection, name: str) -> str:
    value = await connection.execute(text("SELECT current_setting(:name)"), {"name": name})
    return str(value.scalar_one())
