"""All examinations; a server that is away is a finding, not the end of the others."""

from collections.abc import Awaitable, Callable
from functools import partial

from ops.doctor.finding import Finding, judged
from ops.doctor.installation import installation
from ops.doctor.ledger import ledger
from ops.doctor.postgres import postgres
from ops.doctor.redis import redis
from ops.doctor.schema import schema
from ops.engines import opened
from ops.failure import redacted
from ops.queue import opened_queue
from settings import Settings

Examination = Callable[[Settings], Awaitable[list[Finding]]]


async def examine(settings: Settings) -> list[Finding]:
    """Everything that there is to say about this installation."""
    of_redis = await _survived("redis", "TASKRAIL_REDIS_URL", _redis, settings)
    is_redis_away = [finding.subject for finding in of_redis] == ["redis"]
    recorded = partial(_ledger, is_redis_away=is_redis_away)
    return [
        *installation(),
        *await _survived("postgresql", "TASKRAIL_DATABASE_URL", _postgres, settings),
        *await _survived("schema", "TASKRAIL_DATABASE_URL", _schema, settings),
        *await _survived("recorded jobs", "TASKRAIL_DATABASE_URL", recorded, settings),
        *of_redis,
    ]


async def _survived(
    subject: str, variable: str, examination: Examination, settings: Settings
) -> list[Finding]:
    try:
        return await examination(settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the doctor was asked for
        found = redacted(" ".join(str(error).split()) or type(error).__name__)
        todo = (
            f"start the server, or correct {variable}; `taskrail migrate upgrade` makes a schema."
        )
        return [judged(subject, found, todo, sound=False)]


async def _postgres(settings: Settings) -> list[Finding]:
    async with opened(settings, "login") as engine, engine.connect() as connection:
        return await postgres(connection)


async def _schema(settings: Settings) -> list[Finding]:
    async with opened(settings, "owner") as engine:
        return await schema(engine, settings)


async def _ledger(settings: Settings, *, is_redis_away: bool) -> list[Finding]:
    async with opened(settings, "reader") as engine, engine.connect() as connection:
        return await ledger(connection, is_redis_away=is_redis_away)


async def _redis(settings: Settings) -> list[Finding]:
    async with opened_queue(settings) as pool:
        url = settings.resolved_redis_url.get_secret_value()
        return await redis(pool, by_socket=url.startswith("unix:"))
