"""Bytes to jobs and back. JSON only; what cannot be read becomes a record of why, never an error."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from jobs.envelope import AnyJob


@dataclass(frozen=True, slots=True)
class Reference:
    """A wake-up for a recorded job: the ledger's envelope is what is applied."""

    tenant_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class InvalidJob:
    """The header can be read, the rest is wrong: to be rejected as invalid."""

    tenant_id: UUID
    id: UUID
    kind: str
    envelope: dict[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class UnknownJob:
    """A kind or version that this worker does not know: to be parked."""

    tenant_id: UUID
    id: UUID
    kind: str
    envelope: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Poison:
    """Nobody knows whose job this was; its bytes are all there is."""

    raw: bytes
    reason: Literal["unreadable", "unknown_tenant", "payload_gone"]
    message: str


Request = AnyJob | Reference | InvalidJob | UnknownJob | Poison
