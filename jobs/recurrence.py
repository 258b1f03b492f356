"""When a task comes again (RFC 5545)."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from jobs.payloads.base import STRICT
from jobs.values import Text


class Recurrence(BaseModel):
    """How a task recurs."""

    model_config = STRICT

    rule: Text
    trigger: Literal["on_complete", "on_due", "both"] = "on_complete"
    max_occurrences: Annotated[int, Field(ge=1, le=10_000)] | None = None
    clone_subtasks: bool = False
    timezone: Text = "UTC"
