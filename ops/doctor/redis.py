"""Redis or Valkey: reachable, new enough, not open to all, and never throwing away a queue."""

from typing import Any

from arq.connections import ArqRedis
from redis.exceptions import NoPermissionError

from ops.doctor.finding import Finding, good, judged

OLDEST = {"redis": (6, 2), "valkey": (7, 2)}


async def redis(pool: ArqRedis, *, by_socket: bool) -> list[Finding]:
    """What INFO says, and who may do what. Raises redis.RedisError if the server cannot be asked.

    `by_socket`: it is reached by a unix socket, as the embedded one is, whose file is its lock.
    """
    info: dict[str, Any] = await pool.info()
    rights = [] if by_socket else [await _rights(pool)]
    return [_version(info), _eviction(info), _persistence(info), *rights]


def _version(info: dict[str, Any]) -> Finding:
    name = str(info.get("server_name", "redis"))
    found = str(info.get(f"{name}_version", info["redis_version"]))
    oldest = OLDEST.get(name, OLDEST["redis"])
    return judged(
        "redis version",
        f"{name} {found}",
        "taskrail needs Redis 6.2 or Valkey 7.2; upgrade the server.",
        sound=tuple(map(int, found.split(".")[:2])) >= oldest,
    )


def _eviction(info: dict[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy", "unknown")
    return judged(
        "redis maxmemory-policy",
        policy,
        "full memory would drop queued jobs; CONFIG SET maxmemory-policy noeviction.",
        sound=policy == "noeviction",
    )


def _persistence(info: dict[str, Any]) -> Finding:
    return judged(
        "redis persistence",
        "append-only file" if info.get("aof_enabled") else "no append-only file",
        "jobs that were enqueued (not recorded) are lost with the server; set appendonly yes.",
        sound=bool(info.get("aof_enabled")),
        level="warning",
    )


async def _rights(pool: ArqRedis) -> Finding:
    try:
        user = await pool.acl_getuser("default")
    except NoPermissionError:
        return good("redis rights", "this login may not ask what others may do")
    everything = "on" in user["flags"] and "+@all" in user["categories"]
    return judged(
        "redis rights",
        "the default user may do everything" if everything else "the default user is restricted",
        "who reaches it can read and forge all jobs; docs/how-to/lock-redis-down.md.",
        sound=not everything,
        level="warning",
    )
