"""Redis or Valkey: reachable, new enough, and never throwing away a queue."""

from typing import Any

from arq.connections import ArqRedis

from ops.doctor.finding import Finding, judged

OLDEST = {"redis": (6, 2), "valkey": (7, 2)}


async def redis(pool: ArqRedis) -> list[Finding]:
    """What INFO says. Raises redis.RedisError if the server cannot be asked."""
    info: dict[str, Any] = await pool.info()
    return [_version(info), _eviction(info), _persistence(info)]


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
