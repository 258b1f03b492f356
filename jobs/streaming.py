"""A tenant's events as orchestrators follow them: each at least once, in order for each entity.

An event that comes again has the same `key`. Every entry of a stream names the one before it: so a
reader is told that something is missing, whether it was trimmed, deleted or lost with Redis.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import from_json
from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from jobs.connections import ANSWER_SECONDS
from jobs.entities import Event

AnswerT = TypeVar("AnswerT")
Entry = tuple[bytes, dict[bytes, bytes]]

OLDEST = "0-0"
"""Before the first entry of any stream."""
PAGE_EVENTS = 100
BLOCK_SECONDS, PATIENCE_SECONDS = ANSWER_SECONDS / 2, 5.0
"""How long Redis keeps a reader waiting for something new, and how much longer he waits for it.

Less than ANSWER_SECONDS: a client that gives up before Redis has said "nothing new" never hears it.
"""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
AWAY = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError)
REFUSED = (AuthenticationError, AuthorizationError)
"""Children of ConnectionError that no waiting cures."""


class EventsLost(Exception):  # noqa: N818 - errors say what is the case
    """Events are missing behind `after`; the stream goes on after `resume_after`."""

    def __init__(self, tenant_id: UUID, after: str, resume_after: str) -> None:
        self.tenant_id, self.after, self.resume_after = tenant_id, after, resume_after
        super().__init__(
            f"the stream of tenant {tenant_id} no longer has what came after {after}: have it"
            " published again from the history (`taskrail events republish --since` the time of"
            " your last event), or read the tasks themselves; then go on after"
            f" {resume_after}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedEvent(Event):
    """An event, and where it stands: resume after `stream_id`. `follows` is the entry before."""

    stream_id: str
    follows: str

    @property
    def key(self) -> str:
        """The same whenever the event comes; `seq` of an entity counts from 1 without gaps."""
        return event_key(self.entity_id, self.seq)


_EVENT = TypeAdapter(StreamedEvent)


def stream_key(tenant_id: UUID) -> str:
    """The Redis key of the tenant's stream."""
    return f"taskrail:events:{tenant_id}"


def event_key(entity_id: UUID, seq: int) -> str:
    return f"{entity_id}:{seq}"


async def follow(
    redis: Redis, tenant_id: UUID, after: str | None
) -> AsyncGenerator[StreamedEvent, None]:
    """All events after the entry `after`; None: those published from now on.

    Waits for Redis as long as it is away. Raises EventsLost, ValueError at an entry that no relay
    has written, and what Redis refuses.
    """
    last = await patiently(partial(last_id, redis, tenant_id)) if after is None else after
    while True:
        for entry in await patiently(partial(_page, redis, tenant_id, last)):
            event = parsed(*entry)
            if place(last) > place(OLDEST) and event.follows != last:
                raise EventsLost(tenant_id, last, event.follows)
            last = event.stream_id
            yield event


async def patiently(ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    """The answer of Redis, however long it is away."""
    pause = SHORTEST_PAUSE_SECONDS
    while True:
        try:
            async with asyncio.timeout(BLOCK_SECONDS + PATIENCE_SECONDS):
                return await ask()
        except REFUSED:
            raise
        except AWAY:
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)


async def last_id(redis: Redis, tenant_id: UUID) -> str:
    """The last entry that the stream ever had, as far as Redis knows."""
    try:
        about = await redis.xinfo_stream(stream_key(tenant_id))
    except ResponseError as error:
        if "no such key" in str(error):
            return OLDEST
        raise
    return str(about["last-generated-id"], "ascii")


def parsed(stream_id: bytes, fields: dict[bytes, bytes]) -> StreamedEvent:
    """The event of an entry. Raises ValueError if no relay has written it."""
    try:
        told: dict[str, Any] = from_json(fields[b"event"])
        place = {"stream_id": stream_id, "follows": fields[b"follows"]}
        return _EVENT.validate_python(told | place)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"entry {stream_id!r} is no event: {error}") from error


def place(stream_id: str) -> tuple[int, int]:
    """Ids in the order of the stream. Raises ValueError for what is none."""
    milliseconds, _, number = stream_id.partition("-")
    return int(milliseconds), int(number or 0)


async def _page(redis: Redis, tenant_id: UUID, after: str) -> list[Entry]:
    """The next entries, as soon as there are some; none after a while."""
    asked: Any = {stream_key(tenant_id): after}
    answer = await redis.xread(asked, count=PAGE_EVENTS, block=int(1000 * BLOCK_SECONDS))
    if answer:
        entries: list[Entry] = answer[0][1]
        return entries
    newest = await last_id(redis, tenant_id)
    if place(newest) < place(after):
        raise EventsLost(tenant_id, after, OLDEST)
    return []
