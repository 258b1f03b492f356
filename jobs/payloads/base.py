"""What all payloads have in common."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from jobs.refs import Refs

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Payload(BaseModel):
    """What a job asks for. Immutable, strict, and valid by itself."""

    model_config = STRICT

    def refs(self, actor_id: UUID | None) -> Refs:
        """The rows this payload's rule may ask for, when `actor_id` acts."""
        raise NotImplementedError
