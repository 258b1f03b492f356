"""Jobs that the system makes by itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json

from jobs.envelope import KINDS, AnyJob, SystemJob
from jobs.ids import derived_id
from jobs.payloads.base import Payload

_ENVELOPE: TypeAdapter[AnyJob] = TypeAdapter(SystemJob)


def read_system_job(envelope: Any) -> AnyJob:
    """A job that was made by `system_job`, from its JSON. Raises pydantic.ValidationError."""
    return _ENVELOPE.validate_json(to_json(envelope))


def system_job(payload: Payload, tenant_id: UUID, at: datetime, *cause: object) -> AnyJob:
    """The job that `cause`, which came to be at `at`, gives rise to: always the same, id and all.

    Two loops that see one cause make one job; the ledger merges them.
    """
    kind = KINDS[type(payload)]
    return _ENVELOPE.validate_python(
        {
            "id": derived_id(at, kind, *cause),
            "tenant_id": tenant_id,
            "actor_id": None,
            "kind": kind,
            "issued_at": at,
            "payload": payload,
        }
    )
