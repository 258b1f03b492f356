"""Workers as others name them."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class Person:
    """A human or an agent: `kind` says which."""

    id: UUID
    handle: str
    name: str
    kind: str


NAMES = [field.name for field in fields(Person)]


def person_columns(worker: Any) -> list[ColumnElement[Any]]:
    """Of WORKER, or of an alias of it."""
    return [worker.c[name] for name in NAMES]


def person(values: Iterable[Any]) -> Person | None:
    """Of the values of `person_columns`; None where nobody was joined."""
    found = list(values)
    return None if found[0] is None else Person(*found)
