"""What work may cost, and what it did cost."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from jobs.payloads.base import STRICT

MAX_LIMIT = 10**15
MAX_REPORT = 10**12
"""Nine million of the largest reports still add up within 64 bits."""

Amount = Annotated[int, Field(ge=0, le=MAX_LIMIT)]
Used = Annotated[int, Field(ge=0, le=MAX_REPORT)]


class Usage(BaseModel):
    """What work consumed: tokens, money in millionths of a unit, seconds of wall time."""

    model_config = STRICT

    tokens: Used = 0
    money_micros: Used = 0
    wall_seconds: Used = 0


class Limit(BaseModel):
    """Reaching `soft` is announced; reaching `hard` stops the work, too."""

    model_config = STRICT

    soft: Amount | None = None
    hard: Amount | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.soft is None and self.hard is None:
            raise ValueError("a limit needs soft, hard or both")
        if self.soft is not None and self.hard is not None and self.soft > self.hard:
            raise ValueError("soft must not be above hard")
        return self


class Budget(BaseModel):
    """Limits of a task or a project, by what they limit; `attempts` are tries that ended badly."""

    model_config = STRICT

    attempts: Limit | None = None
    tokens: Limit | None = None
    money_micros: Limit | None = None
    wall_seconds: Limit | None = None

    def stored(self) -> dict[str, Any]:
        """As JSON has it, without what is not limited."""
        return self.model_dump(mode="json", exclude_none=True)
