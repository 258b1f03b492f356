"""A signed job is believed from whom it may come, byte for byte; whatever is changed is refused."""

import re
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from jobs import codec
from jobs.codec import InvalidJob, Poison, Reference, UnknownJob
from jobs.envelope import Job
from jobs.signing import (
    NOT_ITS_TENANT,
    UNKNOWN_KEY,
    UNSIGNED,
    WRONG_SIGNATURE,
    Keyring,
    Signer,
    TrustedKey,
    signature,
)
from ops.checkout import CHECKOUT
from tests.unit.envelopes import REQUESTS, envelope, json_values

TENANT, OTHER_TENANT = uuid4(), uuid4()
OURS, THEIRS = Signer("ours", b"o" * 32), Signer("theirs", b"t" * 32)
KEYS = Keyring(
    {
        "ours": TrustedKey(OURS.secret, frozenset({TENANT})),
        "theirs": TrustedKey(THEIRS.secret, frozenset({OTHER_TENANT})),
        "desk": TrustedKey(b"d" * 32),
    }
)
PAGE = CHECKOUT / "docs" / "how-to" / "produce-from-another-language.md"


def text_of(**fields: Any) -> str:
    """An envelope of TENANT that names the key `ours`."""
    return to_json(envelope(tenant_id=str(TENANT), kid="ours") | fields).decode()


def wire(argument: Any) -> bytes:
    return to_json({"t": None, "f": "task.complete", "a": [argument], "k": {}, "et": 1})


def read(argument: Any) -> codec.Request:
    return codec.read(wire(argument), KEYS)


def flaw(request: codec.Request) -> str:
    """Why it was refused, as its producer is told."""
    assert isinstance(request, Poison)
    assert request.reason == "forged"
    told = re.fullmatch(re.escape(codec.REFUSED).replace(r"\{flaw\}", "(.*)"), request.message)
    assert told is not None
    return told[1]


def test_the_documented_vector_is_what_is_signed() -> None:
    vector = dict(re.findall(r"^(key|envelope|sig) +(\S.*)$", PAGE.read_text(), re.MULTILINE))
    key = bytes.fromhex(vector["key"])
    believed = Keyring({"billing-1": TrustedKey(key)})

    job = codec.read(wire({"envelope": vector["envelope"], "sig": vector["sig"]}), believed)

    assert signature(key, vector["envelope"]) == vector["sig"]
    assert isinstance(job, Job)
    assert (job.kind, job.payload.body) == ("task.comment", "Größe 1.0")


def test_what_is_signed_for_its_tenant_is_read_as_its_job() -> None:
    request = read(OURS.signed(text_of()))

    assert isinstance(request, Job)
    assert (request.tenant_id, request.kid) == (TENANT, "ours")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (envelope(tenant_id=str(TENANT)), UNSIGNED),
        (envelope(tenant_id=str(TENANT), kid="ours"), UNSIGNED),
        (OURS.signed(text_of(kid=None)), UNKNOWN_KEY),
        (OURS.signed(text_of(kid="nobody")), UNKNOWN_KEY),
        (OURS.signed(text_of(kid=["ours"])), UNKNOWN_KEY),
        (OURS.signed(text_of(kid="theirs")), WRONG_SIGNATURE),
        (OURS.signed(text_of()) | {"sig": ""}, WRONG_SIGNATURE),
        (OURS.signed(text_of()) | {"sig": "ü"}, WRONG_SIGNATURE),
        (OURS.signed(text_of()) | {"sig": "0" * 64}, WRONG_SIGNATURE),
        (OURS.signed(text_of(tenant_id=str(OTHER_TENANT))), NOT_ITS_TENANT),
        (THEIRS.signed(text_of(kid="theirs")), NOT_ITS_TENANT),
    ],
)
def test_what_does_not_come_from_who_may_send_it_is_refused(
    argument: dict[str, Any], expected: str
) -> None:
    request = read(argument)

    assert flaw(request) == expected
    assert isinstance(request, Poison)
    assert request.raw == wire(argument)


def test_a_signed_message_has_two_fields_and_no_others() -> None:
    request = read(OURS.signed(text_of()) | {"more": 1})

    assert isinstance(request, Poison)
    assert request.reason == "unreadable"


@pytest.mark.parametrize("fields", [{"kind": "task.levitate"}, {"payload": {}}])
def test_what_is_invalid_or_unknown_is_believed_only_if_it_is_signed(
    fields: dict[str, Any],
) -> None:
    text = text_of(**fields)

    assert isinstance(read(OURS.signed(text)), InvalidJob | UnknownJob)
    assert flaw(read(from_json(text))) == UNSIGNED
    assert flaw(read(OURS.signed(text) | {"sig": "0" * 64})) == WRONG_SIGNATURE


def test_a_wake_up_needs_no_signature() -> None:
    reference = {"tenant_id": str(TENANT), "id": str(uuid7())}

    assert isinstance(read(reference), Reference)


def test_a_key_for_all_tenants_speaks_for_any() -> None:
    desk = Signer("desk", b"d" * 32)

    for tenant_id in (TENANT, OTHER_TENANT, uuid4()):
        assert isinstance(read(desk.signed(text_of(kid="desk", tenant_id=str(tenant_id)))), Job)


def test_both_keys_of_a_rotation_are_believed() -> None:
    for own in (OURS, Signer("desk", b"d" * 32)):
        assert isinstance(read(own.signed(text_of(kid=own.kid))), Job)


@pytest.mark.parametrize("name", ["tenant_id", "kid"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_name_that_stands_twice_gives_no_key_another_tenant(name: str, order: int) -> None:
    """`theirs` signs for its own tenant and hides ours beside it."""
    mine = text_of(tenant_id=str(OTHER_TENANT), kid="theirs")
    its = f'"{name}":"{from_json(mine)[name]}"'
    foreign = f'"{name}":"{from_json(text_of())[name]}"'
    assert its in mine

    request = read(THEIRS.signed(mine.replace(its, ",".join([its, foreign][::order]))))

    if isinstance(request, Poison):
        assert flaw(request) in {NOT_ITS_TENANT, WRONG_SIGNATURE}
    else:
        assert isinstance(request, Job)
        assert (request.tenant_id, request.kid) == (OTHER_TENANT, "theirs")


def test_without_keys_a_signed_message_is_its_envelope() -> None:
    text = text_of()

    assert codec.read(wire(OURS.signed(text))) == codec.read_envelope(from_json(text))


@pytest.mark.parametrize("text", ["", "[]", "{", '"\\ud800"', "null", "[" * 5_000, "{}"])
def test_a_signed_text_that_is_no_envelope_is_unreadable(text: str) -> None:
    for keys in (None, KEYS):
        request = codec.read(wire(OURS.signed(text)), keys)

        assert isinstance(request, Poison)
        assert request.reason == "unreadable"


header = st.sampled_from([*envelope(), "kid", "after", "expires_at", "schema_version"])


@given(header, json_values)
def test_any_change_of_any_signed_field_is_refused(name: str, value: Any) -> None:
    text = text_of()
    fields = from_json(text)
    changed = to_json(fields | {name: value}).decode()
    assume(changed != text)

    request = read({"envelope": changed, "sig": OURS.signed(text)["sig"]})

    assert isinstance(request, Poison)


@given(st.integers(0, 10_000), st.text(max_size=2), st.integers(0, 2))
def test_any_change_of_the_signed_bytes_is_refused(place: int, new: str, removed: int) -> None:
    text = text_of()
    place %= len(text)
    changed = text[:place] + new + text[place + removed :]
    assume(changed != text)

    request = read({"envelope": changed, "sig": OURS.signed(text)["sig"]})

    assert isinstance(request, Poison)


@given(st.text("0123456789abcdefABCDEF", max_size=70))
def test_no_other_signature_fits(sig: str) -> None:
    signed = OURS.signed(text_of())
    assume(sig != signed["sig"])

    assert flaw(read(signed | {"sig": sig})) == WRONG_SIGNATURE


@given(st.binary(max_size=300), json_values)
def test_reading_with_keys_never_raises(raw: bytes, value: Any) -> None:
    for given_bytes in (raw, wire(value), wire({"envelope": value, "sig": value})):
        assert isinstance(codec.read(given_bytes, KEYS), REQUESTS)


def test_a_signer_with_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Signer("short", b"x" * 31)
