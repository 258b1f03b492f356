"""How to reach Redis, so that a restart of it is survived."""

from dataclasses import replace
from urllib.parse import unquote

from arq.connections import RedisSettings
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from settings import Settings

REDIS_ERRORS = (exceptions.RedisError, OSError)
"""Whatever Redis or the way to it can raise; a time-out of asyncio is an OSError."""
STOCK_RETRIES, CONSUMER_RETRIES = 60, 3
LONGEST_PAUSE_SECONDS = 0.5
FOR_EVER = 2**31 - 1


def redis_settings(settings: Settings) -> RedisSettings:
    """For stock Arq, which ends at the first error that Redis's client passes on: half a minute."""
    found = RedisSettings.from_dsn(settings.resolved_redis_url.get_secret_value())
    return replace(
        found,
        # Arq leaves the URL's escapes in.
        username=found.username and unquote(found.username),
        password=found.password and unquote(found.password),
        conn_retries=FOR_EVER,
        retry=_retry(STOCK_RETRIES),
        # RuntimeError is uvloop's word for a connection that was closed meanwhile.
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError, OSError, RuntimeError],
    )


def for_consumer(found: RedisSettings) -> RedisSettings:
    """For the Consumer, which itself tries again for ever and can be told to stop meanwhile."""
    return replace(found, conn_retries=0, retry=_retry(CONSUMER_RETRIES))


def _retry(retries: int) -> Retry:
    return Retry(ExponentialBackoff(cap=LONGEST_PAUSE_SECONDS, base=0.025), retries)
