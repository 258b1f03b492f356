"""Lines of a file as jobs. A bad line is reported and keeps no good one from being sent."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from jobs.codec import InvalidJob, Poison, Reference, UnknownJob, read_envelope
from jobs.envelope import MAX_ENVELOPE_BYTES, WIRE_KINDS, AnyJob


@dataclass(frozen=True, slots=True)
class Sendable:
    """A line that is a job."""

    line: int
    job: AnyJob


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that is none, and what to do about it."""

    line: int
    message: str


Line = Sendable | Bad


@dataclass(frozen=True, slots=True)
class Defaults:
    """What fills the gaps of an envelope."""

    tenant_id: UUID
    actor_id: UUID | None = None


def read_lines(lines: Iterable[str], defaults: Defaults) -> Iterator[Line]:
    """Each line that is not empty, numbered from 1."""
    for number, text in enumerate(lines, start=1):
        if text.strip():
            yield _read(number, text, defaults)


def read_one(envelope: dict[str, Any], defaults: Defaults, line: int = 1) -> Line:
    """The envelope with its gaps filled, as a job if it is one."""
    match read_envelope(_complete(envelope, defaults)):
        case InvalidJob(message=message) | Poison(message=message):
            return Bad(line, message)
        case UnknownJob(kind=kind) if kind in WIRE_KINDS:
            return Bad(
                line, "schema_version is not known here; send an earlier one, or upgrade taskrail"
            )
        case UnknownJob(kind=kind):
            return Bad(line, f"there is no kind {kind!r}; `taskrail enqueue --kinds` lists them")
        case Reference():
            return Bad(line, "kind and payload are missing; write a whole envelope")
        case job:
            return Sendable(line, job)


def _read(number: int, text: str, defaults: Defaults) -> Line:
    if len(text.encode(errors="surrogatepass")) > MAX_ENVELOPE_BYTES:
        return Bad(number, f"longer than {MAX_ENVELOPE_BYTES} bytes; split the job")
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Bad(number, f"not JSON ({error}); write one envelope a line")
    if not isinstance(envelope, dict):
        return Bad(number, "not a JSON object; write one envelope a line")
    return read_one(envelope, defaults, number)


def _complete(envelope: dict[str, Any], defaults: Defaults) -> dict[str, Any]:
    given = {
        "id": str(uuid7()),
        "tenant_id": str(defaults.tenant_id),
        "actor_id": None if defaults.actor_id is None else str(defaults.actor_id),
        "schema_version": 1,
        "issued_at": datetime.now(UTC).isoformat(),
    }
    return given | envelope
