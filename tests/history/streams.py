"""What the tenants' streams have: taken down at the end, and in the step that flushes them."""

import time
from collections.abc import Iterable
from typing import Any

from tests.history.recording import Recorder

Entries = list[tuple[bytes, dict[bytes, bytes]]]


def stream_of(tenant: object) -> str:
    return f"taskrail:events:{tenant}"


def published(tenant: object, entries: Entries) -> list[str]:
    """`<tenant>:<entity>:<seq>` of each event."""
    return [f"{tenant}:{fields[b'key'].decode()}" for _, fields in entries]


async def note_published(redis: Any, tenants: Iterable[object], recorder: Recorder) -> None:
    """To be called when nobody publishes any more."""
    for tenant in tenants:
        value = published(tenant, await redis.xrange(stream_of(tenant)))
        recorder.operation("published", "ok", time.monotonic_ns(), tenant=str(tenant), value=value)
