"""PostgreSQL: reachable, new enough, durable, and with the roles that taskrail uses."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ops.doctor.finding import Finding, judged

OLDEST = 15_00_00
MAX_CLOCK_DIFFERENCE = timedelta(seconds=2)
ROLES = (
    "taskrail_owner", "taskrail_worker", "taskrail_keeper", "taskrail_reader", "taskrail_producer",
)  # fmt: skip
MEMBERSHIP = text("""
    SELECT wanted AS role
    FROM unnest(CAST(:roles AS text[])) AS wanted
    LEFT JOIN pg_roles ON rolname = wanted
    WHERE rolname IS NULL OR NOT pg_has_role(current_user, oid, 'MEMBER')
""")


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
    rows = await connection.execute(MEMBERSHIP, {"roles": list(ROLES)})
    missing = list(rows.scalars())
    return judged(
        "postgresql roles",
        f"not a member of {', '.join(missing)}" if missing else f"member of {len(ROLES)} roles",
        "run `taskrail migrate roles` as a superuser or a login with CREATEROLE.",
        sound=not missing,
    )


async def _show(connection: AsyncConnection, name: str) -> str:
    value = await connection.execute(text("SELECT current_setting(:name)"), {"name": name})
    return str(value.scalar_one())
