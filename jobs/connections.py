"""Connections to Redis: how long they wait, and that they fail alike on every event loop."""

from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

ANSWER_SECONDS = 5.0
"""A way to Redis that swallows everything must hold nobody for ever."""


def failing_alike(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """Of this kind, but whoever sends on one that was closed gets Redis's own error.

    uvloop says RuntimeError, which Redis's client passes on while it connects again.
    """

    class FailingAlike(kind):  # type: ignore[misc, valid-type]  # a class that is given
        async def send_packed_command(self, *command: Any, **options: Any) -> None:
            try:
                await super().send_packed_command(*command, **options)
            except RuntimeError as closed:
                raise RedisConnectionError(str(closed)) from closed

    return FailingAlike
