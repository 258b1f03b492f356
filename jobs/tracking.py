"""Answers of Redis that say when they are no longer true: client-side caching by RESP3.

One connection of its own; replies come in order, and between them what has changed since it was
asked for (CLIENT TRACKING with OPTIN: Redis 6, Valkey, no rights beyond reading).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hiredis import PushNotification
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from jobs.connections import ANSWER_SECONDS, failing_alike

INVALIDATE = b"invalidate"
Replies = deque[asyncio.Future[Any]]
OnChange = Callable[[list[bytes] | None], None]
"""Told which keys have changed; None: any of them may have."""


class TrackingUnsupportedError(Exception):
    """The server cannot say what has changed; it must be asked again and again."""


class Tracked:
    """Asks, and tells `on_change` once when a key that an answer rests on has changed.

    `is_true`: no such change has been heard of since the last answer came.
    """

    def __init__(self, redis: Redis, on_change: OnChange) -> None:
        self._pool = redis.connection_pool
        self._on_change = on_change
        self._connection: Any = None
        self._listening: asyncio.Task[None] | None = None
        self._replies: Replies = deque()
        self._lock = asyncio.Lock()
        self.is_true = False

    async def ask(self, *command: Any) -> Any:
        """The reply to a command that only reads, in one round trip.

        Raises TrackingUnsupportedError, or what is in RedisError and OSError, in five seconds.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(command)
        except TimeoutError:
            # Nobody is at the other end, and nobody would ever say so.
            await self.close()
            raise

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    async def _ask(self, command: tuple[Any, ...]) -> Any:
        async with self._lock:
            if self._listening is None or self._listening.done():
                await self._connect()
            allowed, reply = self._expect(), self._expect()
            packed = self._connection.pack_commands([("CLIENT", "CACHING", "YES"), command])
            try:
                await self._connection.send_packed_command(packed)
            except BaseException:
                allowed.cancel()
                reply.cancel()
                raise
        return (await asyncio.gather(allowed, reply))[1]

    async def _connect(self) -> None:
        # It waits for news, which may be long in coming.
        options = {**self._pool.connection_kwargs, "protocol": 3, "socket_timeout": None}
        connection: Any = failing_alike(self._pool.connection_class)(**options)
        try:
            await connection.connect()
            await connection.send_command("CLIENT", "TRACKING", "ON", "OPTIN")
            await connection.read_response()
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, ResponseError):
                raise TrackingUnsupportedError(str(error)) from error
            raise
        # Replies that were awaited on the last connection must not be taken for this one's.
        self._replies = deque()
        self._connection = connection
        self._listening = asyncio.create_task(self._listen(connection))

    def _expect(self) -> asyncio.Future[Any]:
        reply = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        return reply

    async def _listen(self, connection: Any) -> None:
        """Until the connection breaks; then nobody knows what has changed."""
        replies = self._replies
        error: Exception = RedisConnectionError("closed")
        try:
            while True:
                self._hear(await _received(connection), replies)
        except (RedisError, OSError) as broken:
            error = broken
        finally:
            self._give_up(replies, error)
            with suppress(RedisError, OSError):
                await connection.disconnect()

    def _hear(self, message: Any, replies: Replies) -> None:
        if isinstance(message, PushNotification):
            if message[0] == INVALIDATE:
                self._change(message[1])
        elif replies:
            self.is_true = True
            _answer(replies.popleft(), message)

    def _give_up(self, replies: Replies, error: Exception) -> None:
        while replies:
            _answer(replies.popleft(), error)
        self._change(None)

    def _change(self, keys: list[bytes] | None) -> None:
        self.is_true = False
        self._on_change(keys)


async def _received(connection: Any) -> Any:
    """The next reply; one that is an error belongs to who asked."""
    try:
        return await connection.read_response(disconnect_on_error=False)
    except ResponseError as refusal:
        return refusal


def _answer(reply: asyncio.Future[Any], message: Any) -> None:
    if reply.done():  # who asked does not wait any more
        return
    if isinstance(message, Exception):
        reply.set_exception(message)
    else:
        reply.set_result(message)
