"""A question that keeps a task from going on until somebody answers."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from jobs.payloads.base import STRICT
from jobs.values import Attributes, Text

Prompt = Annotated[Text, StringConstraints(min_length=1, max_length=4_000)]
Choice = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class Question(BaseModel):
    """`answer_schema`: a JSON Schema that forms can be made of; `choices`: the answers offered.

    An answer to a question with choices is one of them; otherwise it is free JSON.
    """

    model_config = STRICT

    prompt: Prompt
    choices: Annotated[list[Choice], Field(min_length=1, max_length=50)] | None = None
    answer_schema: Attributes | None = None

    @model_validator(mode="after")
    def _is_of_one_type(self) -> Self:
        if self.choices is not None and self.answer_schema is not None:
            raise ValueError("a question has choices or an answer_schema, not both")
        return self
