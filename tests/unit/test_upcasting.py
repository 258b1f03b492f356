"""Bytes of earlier versions ask for the same as ever, and stay as they were sent."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json
from uuid_utils.compat import uuid7

from jobs import codec
from jobs.codec import InvalidJob, UnknownJob
from jobs.envelope import PAYLOADS, VERSIONS, WIRE_KINDS, Job
from jobs.payloads.budget import Usage
from jobs.payloads.lifecycle import ReportProgress
from jobs.producer import new_job
from jobs.upcasting import EARLIER
from jobs.wire import payload
from tests.unit.envelopes import REQUESTS, json_values

TASK_ID = uuid7()


def envelope(version: int | None = 1, **asked: Any) -> dict[str, Any]:
    """A report as `version` has it; None leaves the version out."""
    header = {} if version is None else {"schema_version": version}
    return header | {
        "id": str(uuid7()),
        "tenant_id": str(uuid4()),
        "actor_id": str(uuid4()),
        "kind": "task.progress",
        "issued_at": "2026-11-23T09:00:00Z",
        "payload": {"task_id": str(TASK_ID), "token": 3} | asked,
    }


def read(sent: dict[str, Any]) -> codec.Request:
    return codec.read(payload("task.progress", sent))


@pytest.mark.parametrize("version", [1, None])
def test_version_1_asks_for_what_version_2_asks_for(version: int | None) -> None:
    job = read(envelope(version, progress=40))

    assert isinstance(job, Job)
    assert job.payload == ReportProgress(task_id=TASK_ID, token=3, percent=40)


@pytest.mark.parametrize("version", [1, None])
def test_an_earlier_job_is_written_as_it_was_sent(version: int | None) -> None:
    sent = envelope(version, progress=40)

    job = read(sent)

    assert isinstance(job, Job)
    assert job.model_dump(mode="json", exclude_unset=True) == sent
    assert from_json(job.model_dump_json(exclude_unset=True)) == sent


def test_an_earlier_job_that_is_sent_on_with_other_predecessors_stays_of_its_version() -> None:
    sent, after = envelope(progress=40), uuid7()
    job = read(sent)
    assert isinstance(job, Job)

    written = job.model_copy(update={"after": [after]}).model_dump(mode="json", exclude_unset=True)

    assert written == sent | {"after": [str(after)]}


def test_a_recorded_earlier_job_is_read_as_the_same_job() -> None:
    sent = envelope(progress=40)

    assert codec.read_envelope(sent) == read(sent)


def test_new_jobs_are_of_the_current_version_and_say_so() -> None:
    job = new_job(ReportProgress(task_id=TASK_ID, percent=40, usage=Usage(tokens=7)), uuid4())

    written = job.model_dump(mode="json", exclude_unset=True)

    assert (written["schema_version"], written["payload"]["percent"]) == (2, 40)
    assert read(written) == job


@pytest.mark.parametrize(
    ("version", "asked", "where"),
    [
        (1, {"progress": 101}, "payload.progress: "),
        (1, {"progress": 40, "percent": 40}, "payload.percent: "),
        (1, {"progress": 40, "usage": {"tokens": 1}}, "payload.usage: "),
        (1, {}, "payload.progress: "),
        (None, {"percent": 40}, "payload.progress: "),
        (2, {"progress": 40}, "payload.percent: "),
        (2, {"percent": "40"}, "payload.percent: "),
    ],
)
def test_a_wrong_field_is_named_as_the_sender_of_that_version_knows_it(
    version: int | None, asked: dict[str, Any], where: str
) -> None:
    sent = envelope(version, **asked)

    request = read(sent)

    assert isinstance(request, InvalidJob)
    assert request.message.startswith(where)
    assert request.envelope == sent


@pytest.mark.parametrize("field", ["sent", "colour"])
def test_the_header_of_an_earlier_job_is_as_strict_as_any(field: str) -> None:
    request = read(envelope(progress=40) | {field: {"task_id": str(TASK_ID)}})

    assert isinstance(request, InvalidJob)
    assert request.message.startswith(f"{field}: ")


@pytest.mark.parametrize("kind", WIRE_KINDS)
def test_of_each_kind_the_version_after_the_current_one_is_unknown(kind: str) -> None:
    later = envelope(VERSIONS[kind] + 1) | {"kind": kind}

    assert isinstance(read(later), UnknownJob)


def test_every_version_below_the_current_one_has_its_upcaster() -> None:
    earlier = {(kind, v) for kind, current in VERSIONS.items() for v in range(1, current)}

    assert set(EARLIER) == earlier
    assert max(VERSIONS.values()) == 2


@pytest.mark.parametrize(("kind", "version"), EARLIER)
def test_an_upcaster_leaves_what_it_is_given_alone(kind: str, version: int) -> None:
    given = {"task_id": str(TASK_ID), "progress": 40}

    newer = EARLIER[kind, version].upcast(given)

    assert given == {"task_id": str(TASK_ID), "progress": 40}
    PAYLOADS[kind].model_validate_json(to_json(newer))


@given(st.sampled_from(["payload", "schema_version", "after", "kid", "sent"]), json_values)
def test_any_value_in_any_field_of_an_earlier_version_is_answered(name: str, value: Any) -> None:
    request = read(envelope(progress=40) | {name: value})

    assert isinstance(request, REQUESTS)


@given(st.dictionaries(st.sampled_from(["task_id", "token", "progress", "percent"]), json_values))
def test_any_payload_of_an_earlier_version_is_answered(asked: dict[str, Any]) -> None:
    request = read(envelope(**asked))

    assert isinstance(request, REQUESTS)
