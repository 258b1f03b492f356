"""How to reach Redis, so that a restart of it is survived."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from arq.connections import ArqRedis, RedisSettings
from arq.constants import default_queue_name as QUEUE  # noqa: N812 - a constant of Arq's
from arq.jobs import Deserializer, Serializer
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff

from jobs.connections import ANSWER_SECONDS, failing_alike
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
        # RuntimeError is uvloop's word for a connection that was closed: see jobs.connections.
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError, OSError, RuntimeError],
    )


def for_consumer(found: RedisSettings) -> RedisSettings:
    """For the Consumer, which itself tries again for ever and can be told to stop meanwhile."""
    return replace(found, conn_retries=0, retry=_retry(CONSUMER_RETRIES))


def connected_later(
    found: RedisSettings,
    *,
    job_serializer: Serializer | None = None,
    job_deserializer: Deserializer | None = None,
    default_queue_name: str = QUEUE,
) -> ArqRedis:
    """As Arq's `create_pool`, but it connects when it is first used: Redis may be away at first.

    No answer within ANSWER_SECONDS is an error.
    """
    login: dict[str, Any] = {
        "db": found.database,
        "username": found.username,
        "password": found.password,
        "socket_timeout": ANSWER_SECONDS,
    }
    if found.sentinel:
        redis = _of_master(found, login)
        redis.job_serializer = job_serializer
    else:
        redis = _of_host(found, login, job_serializer)
    redis.job_deserializer = job_deserializer
    redis.default_queue_name = default_queue_name
    pool = redis.connection_pool
    pool.connection_class = failing_alike(pool.connection_class)
    return redis


def _of_master(found: RedisSettings, login: dict[str, Any]) -> ArqRedis:
    sentinel: Any = Sentinel(found.host, ssl=found.ssl, **login)  # type: ignore[no-untyped-call]
    redis: ArqRedis = sentinel.master_for(found.sentinel_master, redis_class=ArqRedis)
    return redis


def _of_host(
    found: RedisSettings, login: dict[str, Any], job_serializer: Serializer | None
) -> ArqRedis:
    return ArqRedis(
        host=found.host,
        port=found.port,
        unix_socket_path=found.unix_socket_path,
        socket_connect_timeout=found.conn_timeout,
        ssl=found.ssl,
        ssl_keyfile=found.ssl_keyfile,
        ssl_certfile=found.ssl_certfile,
        ssl_cert_reqs=found.ssl_cert_reqs,
        ssl_ca_certs=found.ssl_ca_certs,
        ssl_ca_data=found.ssl_ca_data,
        ssl_check_hostname=found.ssl_check_hostname,
        retry=found.retry,
        retry_on_timeout=found.retry_on_timeout,
        retry_on_error=found.retry_on_error,
        max_connections=found.max_connections,
        job_serializer=job_serializer,
        **login,
    )


def _retry(retries: int) -> Retry:
    return Retry(ExponentialBackoff(cap=LONGEST_PAUSE_SECONDS, base=0.025), retries)
