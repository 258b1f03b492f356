"""Ids that follow from their cause: whoever sees the cause makes the same id."""

import hashlib
from datetime import datetime
from uuid import UUID


def derived_id(at: datetime, *cause: object) -> UUID:
    """A UUIDv7 (RFC 9562 §5.7) with the time `at`; its random bits are a hash of `cause`."""
    milliseconds = int(at.timestamp() * 1000)
    digest = hashlib.sha256("\x1f".join(map(str, cause)).encode()).digest()
    random_bits = int.from_bytes(digest[:10]) & ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | random_bits)
