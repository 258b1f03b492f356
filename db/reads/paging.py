"""Pages by key: a cursor holds the sort value and id of the last row that was seen.

Rows that are added or taken away meanwhile neither shift a page nor repeat a row.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import GenericAlias
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json

MAX_LIMIT = 100
PAGE_ROWS = 50

RowT = TypeVar("RowT")


NOBODY, EVER = UUID(int=0), datetime.min.replace(tzinfo=UTC)
"""Before every id and every time: where pages begin."""


class BadCursor(ValueError):  # noqa: N818 - errors say what is the case
    """The text is no cursor, or one of another list."""


class BadLimit(ValueError):  # noqa: N818 - errors say what is the case
    """A page has 1 to 100 rows."""


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Rows in order; `after` leads to the next page, and is None on the last one."""

    rows: list[RowT]
    after: str | None


def page(rows: list[RowT], limit: int, place: Callable[[RowT], Sequence[Any]]) -> Page[RowT]:
    """Of rows that were asked for with one more than `limit`; `place` is what the cursor holds."""
    shown = rows[:limit]
    return Page(shown, cursor(place(shown[-1])) if len(rows) > limit else None)


def cursor(place: Sequence[Any]) -> str:
    """Opaque text for a place in a list."""
    return urlsafe_b64encode(to_json(place)).decode().rstrip("=")


def place_of(cursor: str, *kinds: Any) -> Any:
    """The place that a cursor holds: a tuple with a value of each kind. Raises BadCursor."""
    kind: Any = GenericAlias(tuple, kinds)
    try:
        held = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return TypeAdapter(kind).validate_json(held)
    except ValueError:
        raise BadCursor(f"{cursor!r} is no cursor of this list; take one that it gave") from None


def require_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise BadLimit(f"a page has 1 to {MAX_LIMIT} rows, not {limit}")
