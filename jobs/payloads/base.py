"""What all payloads have in common."""

from collections.abc import Set as AbstractSet
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from jobs.refs import Refs

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
NO_CHANGES = frozenset({"project_id", "worker_id", "task_id", "expected_version"})

Version = Annotated[int, Field(ge=1)]


class Payload(BaseModel):
    """What a job asks for. Immutable, strict, and valid by itself."""

    model_config = STRICT

    def refs(self, actor_id: UUID | None, /) -> Refs:
        """The rows this payload's rule may ask for, when `actor_id` acts."""
        raise NotImplementedError


PayloadT = TypeVar("PayloadT", bound=Payload)


def require_something_to_change(payload: PayloadT, *, never_null: AbstractSet[str]) -> PayloadT:
    """An update names at least one field, and clears none that has to have a value."""
    names = payload.model_fields_set - NO_CHANGES
    if not names:
        raise ValueError("nothing is to be changed; name at least one field")
    cleared = sorted(name for name in names & never_null if getattr(payload, name) is None)
    if cleared:
        raise ValueError(f"{', '.join(cleared)} cannot be cleared; leave out what stays as it is")
    return payload


def changed_fields(payload: Payload) -> dict[str, Any]:
    """The fields that an update gives, with their new values; None clears."""
    names = payload.model_fields_set - NO_CHANGES
    return {name: getattr(payload, name) for name in type(payload).model_fields if name in names}
