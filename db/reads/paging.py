"""Pages by key: a cursor holds the sort value and id of the last row that was seen.

Rows that are added or settled meanwhile neither shift a page nor repeat a row.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

MAX_LIMIT = 100
PAGE_ROWS = 50
LAST = "last"
"""Stands for a sort value that is not there."""

RowT = TypeVar("RowT")


class BadCursor(ValueError):  # noqa: N818 - errors say what is the case
    """The text is no cursor, or one of another list."""


class BadLimit(ValueError):  # noqa: N818 - errors say what is the case
    """A page has 1 to 100 rows."""


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Rows in order; `after` leads to the next page, and is None on the last one."""

    rows: list[RowT]
    after: str | None


def page(rows: Sequence[RowT], limit: int, place: Callable[[RowT], Sequence[Any]]) -> Page[RowT]:
    """The first `limit` of rows that were asked for with one more; `place` gives a row's key."""
    shown = list(rows[:limit])
    return Page(shown, cursor(place(shown[-1])) if len(rows) > limit else None)


def cursor(values: Sequence[Any]) -> str:
    """Opaque text for a place in a list."""
    return urlsafe_b64encode(to_json(values)).decode().rstrip("=")


def place_of(text: str, kinds: type[RowT]) -> RowT:
    """The values of a cursor, a tuple of the types `kinds`. Raises BadCursor."""
    try:
        values = from_json(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return TypeAdapter(kinds).validate_python(values)
    except (ValueError, ValidationError):
        raise BadCursor(f"{text!r} is no cursor of this list; take `after` of its last page") from None


def require_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise BadLimit(f"a page has 1 to {MAX_LIMIT} rows, not {limit}")


Instant = datetime
