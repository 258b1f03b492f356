"""What is kept of jobs that cannot be read or always break, and how equal errors are grouped."""

import hashlib
import re
import traceback
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from db.repositories.dead_letters import MAX_RAW_BYTES, DeadLetter
from jobs.codec import Poison
from jobs.outcomes import Buried
from worker.deliveries import Delivery

MAX_ERROR_CHARACTERS, MAX_TRACEBACK_CHARACTERS = 2_000, 20_000
MAX_ARQ_ID_CHARACTERS = 200
"""The name of a queue entry can be as long as Redis allows: 512 MB."""
VARYING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")


def dead_letter(delivery: Delivery, poison: Poison, now: datetime) -> DeadLetter:
    """The first 1 MiB of what arrived, with the size and hash of all of it."""
    return DeadLetter(
        id=uuid7(),
        received_at=now,
        queue=delivery.queue,
        arq_id=delivery.arq_id[:MAX_ARQ_ID_CHARACTERS].replace("\x00", "?"),
        raw=poison.raw[:MAX_RAW_BYTES],
        size=len(poison.raw),
        sha256=hashlib.sha256(poison.raw).hexdigest(),
        reason=poison.reason,
        fingerprint=fingerprint(poison.reason, poison.message),
        error=storable(poison.message)[:MAX_ERROR_CHARACTERS],
        traceback=poison.traceback,
        attempts=delivery.count,
    )


def fingerprint(kind: str, error: str) -> str:
    """Equal for errors that differ in ids and numbers only."""
    return hashlib.sha256(f"{kind} {VARYING.sub('#', error)}".encode()).hexdigest()[:16]


def buried(job_id: UUID, error: Exception, message: str | None = None) -> Buried:
    """The verdict on a job that raised `error`, of which `message` may say it better."""
    told = storable(message or repr(error))[:MAX_ERROR_CHARACTERS]
    return Buried(job_id, told, traceback_text(error))


def traceback_text(error: BaseException) -> str:
    """The end of the traceback, which is where the fault is."""
    return storable("".join(traceback.format_exception(error))[-MAX_TRACEBACK_CHARACTERS:])


def storable(text: str) -> str:
    """`text` as PostgreSQL stores it: no NUL, no lone surrogates."""
    return text.replace("\x00", "?").encode("utf-8", "replace").decode()
