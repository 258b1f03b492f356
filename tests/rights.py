"""Users of Redis with the rights that the documentation gives them."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from arq.connections import ArqRedis
from pydantic import SecretStr
from redis.asyncio import ConnectionPool

from jobs import codec
from ops.checkout import CHECKOUT
from settings import Settings

PAGE = CHECKOUT / "docs" / "how-to" / "lock-redis-down.md"
SELECTOR = re.compile(r"\([^)]*\)|\S+")
GIVEN = ("reset", "on", ">SECRET")


def documented(user: str) -> list[str]:
    """The rights of this user, one a rule."""
    page = PAGE.read_text().replace("\\\n", " ")
    found = re.search(rf"^ACL SETUSER {user} (.*)$", page, re.MULTILINE)
    assert found is not None
    rules = SELECTOR.findall(found[1])
    assert tuple(rules[: len(GIVEN)]) == GIVEN
    return rules[len(GIVEN) :]


@asynccontextmanager
async def logged_in(
    admin: ArqRedis, settings: Settings, rights: Sequence[str]
) -> AsyncIterator[Settings]:
    """Settings whose Redis login has these rights, while the block runs. No script is known yet."""
    await _run(admin, "ACL", "SETUSER", "tried", *GIVEN, *rights)
    await _run(admin, "ACL", "LOG", "RESET")
    await admin.script_flush()
    url = f"unix://tried:SECRET@{settings.run_dir / 'valkey.sock'}"
    try:
        yield settings.model_copy(update={"redis_url": SecretStr(url)})
    finally:
        await _run(admin, "ACL", "DELUSER", "tried")


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[ArqRedis]:
    """As Arq's `create_pool`, which leaves connections open where it is refused."""
    redis = ArqRedis(
        ConnectionPool.from_url(settings.resolved_redis_url.get_secret_value()),
        job_serializer=codec.dump,
        job_deserializer=codec.load,
    )
    try:
        await redis.ping()
        yield redis
    finally:
        await redis.aclose(close_connection_pool=True)


async def refused(admin: ArqRedis) -> list[str]:
    """What the server has refused somebody since the rights were given."""
    entries = await _run(admin, "ACL", "LOG")
    return [str(dict(zip(e[::2], e[1::2], strict=True))[b"object"]) for e in entries]


async def _run(admin: ArqRedis, *command: str) -> Any:
    return await admin.execute_command(*command)  # type: ignore[no-untyped-call]
