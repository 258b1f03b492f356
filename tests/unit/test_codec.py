"""Bytes from anywhere become a request or a record of why not."""

import pickle
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from jobs import codec
from jobs.codec import InvalidJob, Poison, Reference, UnknownJob
from jobs.envelope import MAX_ENVELOPE_BYTES, Job
from jobs.payloads.lifecycle import CompleteTask
from jobs.values import storable_json
from tests.unit.envelopes import REQUESTS, envelope, json_values

UNSTORABLE = ("\x00", float("nan"), float("inf"), 10**4_000)


def wire(*arguments: Any) -> bytes:
    return to_json({"t": None, "f": "task.complete", "a": arguments, "k": {}, "et": 1})


def test_a_good_envelope_is_read_as_its_job() -> None:
    sent = envelope()

    job = codec.read(wire(sent))

    assert isinstance(job, Job)
    assert isinstance(job.payload, CompleteTask)
    assert job.model_dump(mode="json", exclude_unset=True)["payload"] == sent["payload"]


def test_a_recorded_envelope_is_read_as_the_same_job() -> None:
    sent = envelope()

    assert codec.read_envelope(sent) == codec.read(wire(sent))


def test_a_kept_envelope_is_read_with_and_without_arqs_dict() -> None:
    sent = envelope()

    assert codec.read_kept(wire(sent)) == codec.read_kept(to_json(sent)) == codec.read(wire(sent))


def test_an_envelope_of_tenant_and_id_alone_is_a_wake_up() -> None:
    sent = envelope()
    reference = {"tenant_id": sent["tenant_id"], "id": sent["id"]}

    request = codec.read(wire(reference))

    assert isinstance(request, Reference)
    assert (str(request.tenant_id), str(request.id)) == (sent["tenant_id"], sent["id"])


@pytest.mark.parametrize("fields", [{"kind": "task.levitate"}, {"schema_version": 2}])
def test_what_a_later_release_may_know_is_unknown_and_kept_whole(fields: dict[str, Any]) -> None:
    sent = envelope(**fields)

    request = codec.read(wire(sent))

    assert isinstance(request, UnknownJob)
    assert request.envelope == sent


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"payload": {"task_id": "x"}}, "payload.task_id: "),
        ({"payload": None}, "payload: "),
        ({"payload": {"task_id": str(uuid4()), "colour": 1}}, "payload.colour: "),
        ({"issued_at": "2026-11-23T10:00:00"}, "issued_at: "),
        ({"id": str(uuid4())}, "id: "),
        ({"after": [str(uuid4())] * 17}, "after: "),
        ({"colour": "red"}, "colour: "),
        ({"schema_version": "1"}, "schema_version: "),
    ],
)
def test_a_wrong_field_is_named_with_what_to_do(fields: dict[str, Any], where: str) -> None:
    sent = envelope(**fields)

    request = codec.read(wire(sent))

    assert isinstance(request, InvalidJob)
    assert request.message.startswith(where)
    assert request.message.endswith("Correct it and use a new id.")
    assert request.envelope == sent


def test_a_message_stays_short_whatever_the_field_is_called() -> None:
    request = codec.read(wire(envelope(**{"x" * 100_000: 1})))

    assert isinstance(request, InvalidJob)
    assert len(request.message) <= codec.MAX_MESSAGE_CHARACTERS


def test_system_kinds_are_refused_on_the_wire() -> None:
    sent = envelope(kind="lease.expire", payload={"task_id": str(uuid4()), "token": 1})

    request = codec.read(wire(sent))

    assert isinstance(request, InvalidJob)
    assert "no producer may send it" in request.message


def test_an_invalid_tree_deeper_than_free_json_is_still_answered() -> None:
    task: dict[str, Any] = {"task_id": str(uuid4()), "title": ""}
    for _ in range(14):
        task = {"task_id": str(uuid4()), "title": "Part", "subtasks": [task]}
    sent = envelope(kind="task.create", payload=task | {"project_id": str(uuid4())})

    assert isinstance(codec.read(wire(sent)), InvalidJob)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'"\\ud800"',
        b'{"a": [1' + b"0" * 5_000 + b"]}",
        b"null",
        wire(),
        wire({}, {}),
        wire([]),
        wire(envelope(id="me")),
        wire(envelope(tenant_id=None)),
        wire(envelope(kind=5)),
        wire(envelope(kind="x" * 100)),
        wire(envelope(kind="task.\x00")),
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_names_no_owner_is_poison_with_its_bytes(raw: bytes) -> None:
    request = codec.read(raw)

    assert isinstance(request, Poison)
    assert request.raw == raw


@pytest.mark.parametrize("value", UNSTORABLE, ids=["nul", "nan", "infinity", "huge"])
def test_what_the_ledger_cannot_store_is_poison(value: Any) -> None:
    raw = wire(envelope(payload={"task_id": str(uuid4()), "result": value}))

    assert isinstance(codec.read(raw), Poison)


def test_pickle_is_never_opened() -> None:
    opened: list[str] = []

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return opened.append, ("boom",)

    raw = pickle.dumps({"t": None, "f": "task.complete", "a": (Bomb(),), "k": {}, "et": 1})

    assert isinstance(codec.read(raw), Poison)
    assert not opened
    with pytest.raises(ValueError, match="expected value"):
        codec.load(raw)


def test_too_many_bytes_are_not_even_parsed() -> None:
    request = codec.read(b"[" * (MAX_ENVELOPE_BYTES + 5_000))

    assert isinstance(request, Poison)
    assert str(MAX_ENVELOPE_BYTES) in request.message


def test_results_survive_dump_and_load() -> None:
    result = {"t": 1, "f": "task.complete", "a": [], "k": {}, "s": True, "r": {"status": "applied"}}

    assert codec.load(codec.dump(result)) == result


@given(st.binary(max_size=300))
def test_reading_never_raises_whatever_the_bytes(raw: bytes) -> None:
    assert isinstance(codec.read(raw), REQUESTS)
    assert isinstance(codec.read_kept(raw), REQUESTS)


@given(st.binary(max_size=3), st.integers(0, 400), st.integers(0, 3))
def test_reading_never_raises_whatever_is_changed_in_good_bytes(
    noise: bytes, place: int, removed: int
) -> None:
    good = wire(envelope())

    changed = good[:place] + noise + good[place + removed :]

    assert isinstance(codec.read(changed), REQUESTS)
    assert isinstance(codec.read_kept(changed), REQUESTS)


@given(st.sampled_from([*envelope(), "after", "schema_version", "kid"]), json_values)
def test_any_value_in_any_field_is_answered_and_what_is_kept_can_be_stored(
    name: str, value: Any
) -> None:
    request = codec.read(wire(envelope(**{name: value})))

    assert isinstance(request, REQUESTS)
    if isinstance(request, InvalidJob | UnknownJob):
        assert storable_json(from_json(to_json(request.envelope))) == request.envelope
        storable_json(getattr(request, "message", ""))
        assert isinstance(codec.read_envelope(request.envelope), type(request))
