"""The values that payloads are made of: bounded text, handles, slugs, aware times, free JSON."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from pydantic_core import to_json

MAX_JSON_DEPTH = 16
MAX_ATTRIBUTES_BYTES = 64 * 1024
MAX_RESULT_BYTES = 256 * 1024
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def storable_text(text: str) -> str:
    """PostgreSQL stores neither NUL nor lone surrogates."""
    if "\x00" in text:
        raise ValueError("text must not contain NUL characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("text must not contain lone surrogates") from None
    return text


def storable_json(value: Any, depth: int = 0) -> Any:
    """`value`, unchanged, if PostgreSQL would store it as JSONB and give the same back."""
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"JSON must not be nested deeper than {MAX_JSON_DEPTH} levels")
    match value:
        case None | bool():
            pass
        case str():
            storable_text(value)
        case int() | float():
            _require_storable_number(value)
        case list() | dict():
            for item in _inside(value):
                storable_json(item, depth + 1)
        case _:
            raise ValueError(f"JSON has no {type(value).__name__}")
    return value


def _inside(value: list[Any] | dict[str, Any]) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    for key in value:
        if not isinstance(key, str):
            raise ValueError("the keys of JSON objects are text")  # noqa: TRY004 - pydantic reads it
        storable_text(key)
    return value.values()


def _require_storable_number(value: float) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("numbers must be finite")
    elif not INT64_MIN <= value <= INT64_MAX and not _is_a_large_double(value):
        raise ValueError("integers must fit into 64 bits; write larger ones as text")


def _is_a_large_double(value: int) -> bool:
    """Whether JSONB would give these digits back for a double: 1e23 comes back as 10**23."""
    try:
        return _as_jsonb(float(value)) == value
    except OverflowError:
        return False


def _as_jsonb(number: float) -> Decimal:
    """JSONB keeps the digits that JSON writes, not the double they are read as."""
    return Decimal(repr(number))


def compact_size(value: Any) -> int:
    """Bytes of `value` as compact JSON."""
    return len(to_json(value))


def _bounded(limit: int) -> AfterValidator:
    def check(value: Any) -> Any:
        size = compact_size(value)
        if size > limit:
            raise ValueError(f"{size} bytes of JSON; at most {limit} are stored")
        return value

    return AfterValidator(check)


def same_json(left: Any, right: Any) -> bool:
    """Equality as JSONB has it: 1 equals 1.0, but true does not equal 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or _as_jsonb(left) == _as_jsonb(right)
    return bool(left == right)


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("entries must be distinct")
    return values


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies outside of the calendar") from None


Time = Annotated[AwareDatetime, AfterValidator(_utc)]
Text = Annotated[str, AfterValidator(storable_text)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Title = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
LongText = Annotated[Text, StringConstraints(max_length=100_000)]
Reason = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
Body = Annotated[Text, StringConstraints(min_length=1, max_length=10_000)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^@[a-z0-9_-]{1,49}$")]
Word = Annotated[Text, StringConstraints(min_length=1, max_length=64)]
Words = Annotated[list[Word], Field(max_length=50), AfterValidator(_distinct)]
Json = Annotated[Any, AfterValidator(storable_json)]
JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
Attributes = Annotated[JsonObject, _bounded(MAX_ATTRIBUTES_BYTES)]
Result = Annotated[Json, _bounded(MAX_RESULT_BYTES)]
Progress = Annotated[int, Field(ge=0, le=100)]
