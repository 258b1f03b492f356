"""Envelopes and payloads as they come over the wire: strict, bounded, nothing unknown in them."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from jobs.entities import ApprovalPolicy, WorkerKind
from jobs.envelope import (
    BOOTSTRAP_KINDS,
    EPHEMERAL_KINDS,
    KINDS,
    PAYLOADS,
    SYSTEM_KINDS,
    WIRE_KINDS,
    AnyJob,
    WireJob,
)
from jobs.refs import Bulk, Refs, Role
from tests.unit.valid_payloads import VALID, A, B, C

_WIRE: TypeAdapter[AnyJob] = TypeAdapter(WireJob)


def test_every_kind_of_the_wire_is_tried_here() -> None:
    assert set(VALID) == set(WIRE_KINDS)


@pytest.mark.parametrize("kind", VALID)
def test_every_kind_is_read_and_written_alike(kind: str) -> None:
    job = _read(kind)

    assert type(job.payload) is PAYLOADS[kind]
    assert _WIRE.validate_json(job.model_dump_json(exclude_unset=True)) == job


@pytest.mark.parametrize("kind", VALID)
def test_no_payload_takes_what_it_does_not_know(kind: str) -> None:
    _refuse(kind, {**VALID[kind], "titel": "typo"})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind, payload in VALID.items()
        for name in payload
        if PAYLOADS[kind].model_fields[name].is_required()
    ],
)
def test_no_payload_does_without_what_it_needs(kind: str, name: str) -> None:
    _refuse(kind, {key: value for key, value in VALID[kind].items() if key != name})


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("project.create", {"slug": "Not A Slug"}),
        ("project.create", {"approval_policy": "sometimes"}),
        ("project.add_member", {"role": "owner"}),
        ("worker.register", {"kind": "robot"}),
        ("worker.register", {"kind": "agent"}),
        ("worker.register", {"agent_type": "writer"}),
        ("worker.register", {"kind": "agent", "agent_type": "writer", "email": "a@b.c"}),
        ("worker.register", {"email": "nobody"}),
        ("worker.register", {"max_concurrent_tasks": 0}),
        ("task.create", {"priority": "urgent"}),
        ("task.create", {"priority": 2}),
        ("task.create", {"max_attempts": 0}),
        ("task.create", {"due_at": "2026-11-23T12:00:00"}),
        ("task.create", {"title": "NUL \x00"}),
        ("task.create", {"attributes": {"deep": {"key\x00": 1}}}),
        ("task.create", {"parent_id": B}),
        ("task.claim", {"lease_seconds": 4}),
        ("task.claim", {"lease_seconds": 86_401}),
        ("task.claim", {"lease_seconds": 60.0}),
        ("task.claim", {"task_id": "not-a-uuid"}),
        ("task.dispatch", {"limit": 0}),
        ("task.dispatch", {"limit": 101}),
        ("task.progress", {"percent": 101}),
        ("task.progress", {"percent": "50"}),
        ("task.progress", {"usage": {"tokens": -1}}),
        ("task.progress", {"usage": {"token": 1}}),
        ("task.raise_budget", {"budget": {"tokens": {}}}),
        ("task.raise_budget", {"budget": {"tokens": {"soft": 2, "hard": 1}}}),
        ("task.block", {"reason": "budget"}),
        ("task.block", {"reason": "input_required"}),
        ("task.request_input", {"question": {"prompt": "Which?", "choices": []}}),
        (
            "task.request_input",
            {"question": {"prompt": "?", "choices": ["a"], "answer_schema": {}}},
        ),
        ("task.add_dependency", {"depends_on_id": A}),
        ("task.add_dependency", {"on_failure": "explode"}),
        ("task.create", {"depends_on": [{"task_id": A}, {"task_id": A}]}),
        ("task.create", {"recurrence": {"rule": "FREQ=DAILY"}}),
        ("task.update", {"title": None}),
        ("project.update", {"slug": None}),
        ("project.complete_tasks", {"limit": 1_001}),
        ("worker.update", {"capabilities": None}),
        ("task.complete", {"token": 0}),
        ("task.complete", {"token": "1"}),
        ("task.complete", {"cascade": 1}),
        ("task.fail", {"permanent": "yes"}),
        ("task.fail", {"reason": ""}),
        ("task.fail", {"details": {"long": "x" * 70_000}}),
        ("task.reject", {"reason": "x" * 501}),
        ("task.comment", {"body": ""}),
    ],
)
def test_a_wrong_value_is_refused(kind: str, fields: dict[str, Any]) -> None:
    _refuse(kind, VALID[kind] | fields)


@pytest.mark.parametrize("kind", ["task.update", "project.update", "worker.update"])
def test_an_update_changes_something(kind: str) -> None:
    ids = {name: value for name, value in VALID[kind].items() if name.endswith("_id")}

    with pytest.raises(ValidationError, match="nothing is to be changed"):
        _read(kind, payload=ids | {"expected_version": 1})


def test_not_a_number_is_no_json() -> None:
    raw = to_json(_envelope("task.submit")).replace(b"[1,null]", b"[NaN]")

    with pytest.raises(ValidationError, match="finite"):
        _WIRE.validate_json(raw)


@pytest.mark.parametrize(
    "header",
    [
        {"id": str(uuid4())},
        {"id": "7"},
        {"tenant_id": None},
        {"kind": "task.destroy"},
        {"kind": "lease.expire"},
        {"schema_version": 3},
        {"schema_version": "1"},
        {"issued_at": "2026-11-23T12:00:00"},
        {"issued_at": 1_763_899_200},
        {"expires_at": "soon"},
        {"after": [A] * 17},
        {"after": A},
        {"traceparent": "not a trace"},
        {"kid": "x" * 257},
        {"kid": ""},
        {"sig": "abc"},
        {"user": "ada"},
    ],
)
def test_a_wrong_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _WIRE.validate_json(to_json(_envelope("task.claim") | header))


def test_a_job_does_not_wait_for_itself() -> None:
    envelope = _envelope("task.claim")

    with pytest.raises(ValidationError, match="wait for itself"):
        _WIRE.validate_json(to_json(envelope | {"after": [A, envelope["id"]]}))


@pytest.mark.parametrize("missing", ["id", "tenant_id", "actor_id", "kind", "issued_at", "payload"])
def test_the_header_is_complete(missing: str) -> None:
    envelope = _envelope("task.claim")
    del envelope[missing]

    with pytest.raises(ValidationError):
        _WIRE.validate_json(to_json(envelope))


def test_a_full_header_is_taken() -> None:
    job = _read(
        "task.claim",
        after=[A, B],
        expires_at="2026-11-24T12:00:00Z",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        kid="key-1",
    )

    assert job.after == [UUID(A), UUID(B)]
    assert job.expires_at is not None


def test_words_on_the_wire_become_their_enums() -> None:
    project = _read("project.create", payload=VALID["project.create"] | {"approval_policy": "all"})
    worker = _read("worker.register")

    assert project.payload.approval_policy is ApprovalPolicy.ALL
    assert worker.payload.kind is WorkerKind.HUMAN


@pytest.mark.parametrize(
    ("tree", "flaw"),
    [
        ([{"task_id": B, "title": "Same id"}], "id of its own"),
        ([{"task_id": str(uuid7()), "title": "T"} for _ in range(500)], "501 tasks"),
        ("17 levels", "deeper than 16"),
    ],
)
def test_a_tree_is_bounded(tree: Any, flaw: str) -> None:
    if tree == "17 levels":
        tree = _chain(16)

    with pytest.raises(ValidationError, match=flaw):
        _read("task.create", payload=VALID["task.create"] | {"subtasks": tree})


def test_the_largest_trees_are_taken() -> None:
    wide = [{"task_id": str(uuid7()), "title": "T"} for _ in range(499)]

    for tree in (wide, _chain(15)):
        _read("task.create", payload=VALID["task.create"] | {"subtasks": tree})


def test_kinds_and_payloads_name_each_other() -> None:
    assert {KINDS[payload]: payload for payload in PAYLOADS.values()} == PAYLOADS
    assert set(PAYLOADS) - set(WIRE_KINDS) == SYSTEM_KINDS
    assert set(WIRE_KINDS) > EPHEMERAL_KINDS | BOOTSTRAP_KINDS


@pytest.mark.parametrize("kind", VALID)
def test_every_row_that_a_payload_names_is_asked_for(kind: str) -> None:
    job = _read(kind)
    named = {value for _, value in job.payload if isinstance(value, UUID)}
    named.discard(getattr(job.payload, "comment_id", None))

    refs = job.payload.refs(None)

    assert named <= _ids(refs)


@pytest.mark.parametrize("kind", ["task.claim", "task.dispatch", "task.renew"])
def test_who_takes_or_keeps_a_lease_is_locked(kind: str) -> None:
    actor_id = uuid7()

    assert _read(kind).payload.refs(actor_id).changed_workers == (actor_id,)
    assert _read(kind).payload.refs(None).changed_workers == ()


def test_a_cascade_needs_the_whole_subtree_and_the_plain_form_the_children() -> None:
    for kind in ("task.complete", "task.approve"):
        for cascade in (False, True):
            job = _read(kind, payload={"task_id": A, "cascade": cascade})
            refs = job.payload.refs(None)
            role = Role.SETTLES_ALL if cascade else Role.SETTLES
            assert refs.roles == ((UUID(A), role),)
            assert bool(refs.children_of) is not cascade


def _ids(refs: Refs) -> set[UUID]:
    """All ids that stand anywhere in refs."""
    found, to_visit = set[UUID](), [getattr(refs, name) for name in Refs.__slots__]
    while to_visit:
        match to_visit.pop():
            case UUID() as ref:
                found.add(ref)
            case tuple() as refs_within:
                to_visit.extend(refs_within)
            case Bulk(project_id=project_id):
                found.add(project_id)
    return found


def _read(kind: str, **header: Any) -> AnyJob:
    return _WIRE.validate_json(to_json(_envelope(kind) | header))


def _refuse(kind: str, payload: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _read(kind, payload=payload)


def _envelope(kind: str) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "tenant_id": C,
        "actor_id": None,
        "kind": kind,
        "issued_at": "2026-11-23T12:00:00+01:00",
        "schema_version": 2 if kind == "task.progress" else 1,
        "payload": VALID.get(kind, VALID["task.claim"]),
    }


def _chain(levels: int) -> list[dict[str, Any]]:
    subtasks: list[dict[str, Any]] = []
    for _ in range(levels):
        subtasks = [{"task_id": str(uuid7()), "title": "T", "subtasks": subtasks}]
    return subtasks
