"""Orchestrators that share the events of a tenant: each event is for one of them.

A consumer group of Redis keeps account of who has which event. It is finished when the next one is
asked for; what a consumer leaves unfinished is given to another.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from jobs.streaming import (
    BLOCK_SECONDS,
    OLDEST,
    EventsLost,
    StreamedEvent,
    parsed,
    patiently,
    stream_key,
)

GONE = ("NOGROUP", "UNBLOCKED", "no such key")
"""What Redis answers to members of a group that it no longer has."""


@dataclass(frozen=True, slots=True)
class Share:
    """A consumer's part in a group. A new group begins with the oldest event that is kept.

    After `idle_seconds` without an end an event is another's: they are more than any body takes.
    """

    group: str
    consumer: str
    idle_seconds: float = 60.0


async def take_part(
    redis: Redis, tenant_id: UUID, share: Share
) -> AsyncGenerator[StreamedEvent, None]:
    """Events that no other consumer of the group has. Each is acknowledged after the loop's body.

    Raises EventsLost, to one of the consumers, if events were trimmed that nobody had taken.
    """
    part = _Part(redis, tenant_id, share)
    await patiently(part.join)
    while True:
        event = await patiently(part.take)
        if event is not None:
            yield event
            await patiently(partial(part.finish, event.stream_id))


class _Part:
    """One consumer. `_is_unsure`: Redis may have given it an event that never arrived."""

    def __init__(self, redis: Redis, tenant_id: UUID, share: Share) -> None:
        self._redis, self._tenant_id, self._share = redis, tenant_id, share
        self._stream = stream_key(tenant_id)
        self._is_unsure = True
        self._cursor, self._look_at = OLDEST, 0.0

    async def join(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream, self._share.group, OLDEST, mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def take(self) -> StreamedEvent | None:
        """The next event: our own unfinished, then a dead consumer's, then a new one.

        None after a while without any.
        """
        try:
            if self._is_unsure and (own := await self._unfinished()):
                return own
            if left := await self._left_behind():
                return left
            self._is_unsure = True
            new = await self._new() or await self._awaited()
        except ResponseError as error:
            if any(word in str(error) for word in GONE):
                raise self._lost(OLDEST) from error
            raise
        self._is_unsure = False
        return new

    async def finish(self, stream_id: str) -> None:
        await self._redis.xack(self._stream, self._share.group, stream_id)

    async def _unfinished(self) -> StreamedEvent | None:
        return await self._first(await self._read(OLDEST))

    async def _left_behind(self) -> StreamedEvent | None:
        """What another consumer has had for too long."""
        clock = asyncio.get_running_loop().time
        if clock() < self._look_at:
            return None
        idle_ms = int(1000 * self._share.idle_seconds)
        answer: Any = await self._redis.xautoclaim(
            self._stream, self._share.group, self._share.consumer, idle_ms, self._cursor, count=1
        )
        following, entries, *deleted = answer
        self._cursor = str(following, "ascii")
        if any(deleted):
            raise self._lost(str(deleted[0][-1], "ascii"))
        if self._cursor == OLDEST:
            self._look_at = clock() + min(self._share.idle_seconds, BLOCK_SECONDS)
        return await self._first([entry for entry in entries if entry[0] is not None])

    async def _new(self) -> StreamedEvent | None:
        """A new event, if there is one. It must be the one after the last that was taken."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xinfo_groups(self._stream)
            pipe.xreadgroup(self._share.group, self._share.consumer, {self._stream: ">"}, count=1)
            groups, answer = await pipe.execute()
        event = await self._first(answer[0][1] if answer else [])
        name = self._share.group.encode()
        last = next(str(g["last-delivered-id"], "ascii") for g in groups if g["name"] == name)
        if event is not None and last not in {OLDEST, event.follows}:
            raise EventsLost(self._tenant_id, last, event.follows)
        return event

    async def _awaited(self) -> StreamedEvent | None:
        wait = self._look_at - asyncio.get_running_loop().time()
        return await self._first(await self._read(">", max(0.001, min(wait, BLOCK_SECONDS))))

    async def _read(self, after: str, block_seconds: float | None = None) -> list[Any]:
        answer: Any = await self._redis.xreadgroup(
            self._share.group,
            self._share.consumer,
            {self._stream: after},
            count=1,
            block=None if block_seconds is None else int(1000 * block_seconds),
        )
        return answer[0][1] if answer else []

    async def _first(self, entries: list[Any]) -> StreamedEvent | None:
        """The event of the entry, if there is one. What was trimmed unfinished is told once."""
        if not entries:
            return None
        stream_id, fields = entries[0]
        if not fields:
            await self.finish(stream_id)
            raise self._lost(str(stream_id, "ascii"))
        return parsed(stream_id, fields)

    def _lost(self, after: str) -> EventsLost:
        return EventsLost(self._tenant_id, after, OLDEST)
