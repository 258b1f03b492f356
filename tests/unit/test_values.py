"""The values of payloads: what PostgreSQL could not store, or not give back, is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from jobs.values import (
    MAX_ATTRIBUTES_BYTES,
    Attributes,
    Body,
    Handle,
    Json,
    JsonObject,
    Name,
    Progress,
    Reason,
    Result,
    Slug,
    Time,
    Title,
    Words,
    compact_size,
    same_json,
)

NUMBERS = st.one_of(
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Name, ""),
        (Name, "x" * 201),
        (Title, "x" * 501),
        (Reason, ""),
        (Reason, "x" * 501),
        (Body, "x" * 10_001),
        (Body, "NUL \x00"),
        (Slug, "Upper"),
        (Slug, "line\n"),
        (Slug, "x" * 64),
        (Handle, "no-at"),
        (Handle, "@"),
        (Handle, "@" + "x" * 50),
        (Words, ["twice", "twice"]),
        (Words, [str(n) for n in range(51)]),
        (Words, ["x" * 65]),
        (Words, [""]),
        (Progress, 101),
        (Progress, -1),
        (Progress, True),
        (Progress, 5.0),
        (Json, {"key\x00": 1}),
        (Json, ["NUL \x00"]),
        (Json, 2**63),
        (Json, -(2**63) - 1),
        (Json, 10**400),
        (Attributes, ["not an object"]),
        (Attributes, {"long": "x" * MAX_ATTRIBUTES_BYTES}),
        (Result, "x" * (256 * 1024 - 1)),
    ],
)
def test_what_is_out_of_bounds_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_json(to_json(value), strict=True)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Name, "x" * 200),
        (Title, "x" * 500),
        (Slug, "x" * 63),
        (Handle, "@" + "x" * 49),
        (Words, ["once", "twice"]),
        (Progress, 0),
        (Progress, 100),
        (Json, 2**63 - 1),
        (Json, -(2**63)),
        (Json, None),
        (Attributes, {"long": "x" * (MAX_ATTRIBUTES_BYTES - 11)}),
        (Result, "x" * (256 * 1024 - 2)),
    ],
)
def test_what_lies_on_the_bound_is_taken(kind: Any, value: Any) -> None:
    assert TypeAdapter(kind).validate_json(to_json(value), strict=True) == value


@pytest.mark.parametrize("text", ["\ud800", "ok \udfff"])
def test_lone_surrogates_are_refused(text: str) -> None:
    for kind in (Body, Json):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"[NaN]"])
def test_numbers_are_finite(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Json).validate_json(raw)


def test_json_is_nested_at_most_sixteen_levels_deep() -> None:
    document: Any = 1
    for _ in range(16):
        document = [document]

    assert TypeAdapter(Json).validate_python(document) == document
    with pytest.raises(ValidationError, match="deeper"):
        TypeAdapter(Json).validate_python({"one": document})


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError, match="JSON has no set"):
        TypeAdapter(Json).validate_python({1, 2})


@pytest.mark.parametrize("key", [1, None, b"a"])
def test_the_keys_of_an_object_are_text_at_any_depth(key: object) -> None:
    with pytest.raises(ValidationError, match="keys of JSON objects are text"):
        TypeAdapter(JsonObject).validate_python({"within": [{key: 1}]})


@pytest.mark.parametrize("raw", [b'"2026-11-23T12:00:00"', b"1763899200", b'"tomorrow"'])
def test_a_time_says_its_offset(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Time).validate_json(raw, strict=True)


def test_a_time_is_kept_in_utc() -> None:
    time = TypeAdapter(Time).validate_json(b'"2026-11-23T14:00:00+02:00"', strict=True)

    assert time == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert time.tzinfo is UTC


@pytest.mark.parametrize("raw", [b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59-01:00"'])
def test_a_time_that_has_no_utc_is_refused(raw: bytes) -> None:
    with pytest.raises(ValidationError, match="calendar"):
        TypeAdapter(Time).validate_json(raw, strict=True)


def test_size_is_that_of_compact_json() -> None:
    assert compact_size({"a": [1, "ü"]}) == len('{"a":[1,"ü"]}'.encode())


@given(NUMBERS)
def test_a_number_is_still_valid_and_the_same_when_jsonb_gives_it_back(number: float) -> None:
    given_back = from_json(_as_postgresql_writes(number))

    assert TypeAdapter(Json).validate_python(given_back) == given_back
    assert same_json(number, given_back)


@given(DOCUMENTS)
def test_a_document_is_the_same_as_itself_after_a_round_trip(document: Any) -> None:
    assert same_json(document, TypeAdapter(Json).validate_json(to_json(document)))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (None, False),
        ("1", 1),
        (2**53, 2**53 + 1),
        (2**53 + 1, float(2**53)),
        ([1], [1, 1]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, [1]),
        ([[1]], [[True]]),
    ],
)
def test_different_documents_differ(left: Any, right: Any) -> None:
    assert not same_json(left, right)
    assert not same_json(right, left)


@pytest.mark.parametrize(
    ("left", "right"), [(1, 1.0), (0, -0.0), (1e23, 10**23), ({"a": 1, "b": 2}, {"b": 2, "a": 1.0})]
)
def test_documents_that_jsonb_holds_equal_are_the_same(left: Any, right: Any) -> None:
    assert same_json(left, right)


def _as_postgresql_writes(number: float) -> str:
    """All digits, no exponent: JSONB keeps numbers as `numeric`."""
    return f"{Decimal(repr(number)):f}"
