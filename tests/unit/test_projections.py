"""Every standing of a task has a stated place in both agent protocols."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from jobs.entities import Comment, Event, Task, TaskStatus
from jobs.projections.a2a import to_a2a
from jobs.projections.mcp import to_mcp
from jobs.projections.phase import TaskGone
from ops.checkout import CHECKOUT

REFERENCE = CHECKOUT / "docs" / "reference"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUESTION = {
    "id": str(uuid7()),
    "prompt": "Which tone?",
    "choices": ["warm", "dry"],
    "answer_schema": None,
}
REPORTED = {"reason": "No source", "details": None, "permanent": True}
LOST = {"reason": "lease expired"}


def task(status: str = "pending", **columns: Any) -> Task:
    ids = {"tenant_id": uuid7(), "id": uuid7(), "project_id": uuid7()}
    times = {"created_at": NOON, "updated_at": NOON + timedelta(minutes=1)}
    given: dict[str, Any] = {"title": "Write", "version": 7, "status": TaskStatus(status)}
    return Task(**ids | times | given | columns)


Standing = tuple[dict[str, Any], str, str, str]
TABLE: list[Standing] = [
    ({"status": "pending"}, "SUBMITTED", "working", "Queued."),
    ({"status": "pending", "unmet_dependencies": 2}, "SUBMITTED", "working", "completed first: 2"),
    ({"status": "pending", "attempt": 1, "failure": REPORTED}, "SUBMITTED", "working", "Queued."),
    ({"status": "in_progress", "progress": 40}, "WORKING", "working", "40 % done"),
    ({"status": "in_progress", "question": QUESTION}, "WORKING", "working", "0 % done"),
    ({"status": "blocked", "blocked_reason": "no key"}, "SUBMITTED", "working", "Blocked: no key"),
    (
        {"status": "blocked", "blocked_reason": "input_required", "question": QUESTION},
        "INPUT_REQUIRED",
        "input_required",
        "Which tone?",
    ),
    (
        {"status": "blocked", "blocked_reason": "budget"},
        "INPUT_REQUIRED",
        "input_required",
        "budget",
    ),
    (
        {"status": "review", "result": "Text"},
        "INPUT_REQUIRED",
        "input_required",
        "approve or reject",
    ),
    ({"status": "completed", "progress": 100}, "COMPLETED", "completed", "Completed."),
    ({"status": "failed", "failure": REPORTED}, "FAILED", "completed", "Failed: No source"),
    ({"status": "failed", "failure": LOST}, "FAILED", "failed", "Failed: lease expired"),
    ({"status": "cancelled"}, "CANCELED", "cancelled", "Cancelled."),
]


def test_the_table_has_every_status() -> None:
    assert {columns["status"] for columns, *_ in TABLE} == set(TaskStatus)


def test_the_reference_lists_the_same_states() -> None:
    row = re.compile(r"^\| `(\w+)` \|[^|]*\| `(\w+)` \| `(\w+)` \|$", re.MULTILINE)
    listed = row.findall((REFERENCE / "protocols.md").read_text())

    assert set(listed) == {(columns["status"], state, word) for columns, state, word, _ in TABLE}


@pytest.mark.parametrize(("columns", "state", "_status", "words"), TABLE)
def test_a_task_has_its_state_in_a2a(
    columns: dict[str, Any], state: str, _status: str, words: str
) -> None:
    projected = to_a2a(task(**columns))["status"]

    assert projected["state"] == f"TASK_STATE_{state}"
    assert words in projected["message"]["parts"][0]["text"]


@pytest.mark.parametrize(("columns", "_state", "status", "words"), TABLE)
def test_a_task_has_its_status_in_mcp(
    columns: dict[str, Any], _state: str, status: str, words: str
) -> None:
    projected = to_mcp(task(**columns))

    assert projected["status"] == status
    assert words in projected["statusMessage"]


DETAILS = {
    "working": set[str](),
    "input_required": {"inputRequests"},
    "completed": {"result"},
    "failed": {"error"},
    "cancelled": set[str](),
}


@pytest.mark.parametrize("columns", [columns for columns, *_ in TABLE])
def test_an_mcp_task_has_exactly_the_fields_of_its_status(columns: dict[str, Any]) -> None:
    projected = to_mcp(task(**columns))

    always = {"taskId", "status", "statusMessage", "createdAt", "lastUpdatedAt", "ttlMs"}
    polled = {"pollIntervalMs"} if projected["status"] in {"working", "input_required"} else set()
    assert set(projected) == always | polled | DETAILS[projected["status"]]


@pytest.mark.parametrize("columns", [columns for columns, *_ in TABLE])
def test_both_projections_are_json(columns: dict[str, Any]) -> None:
    for projected in (to_a2a(task(**columns), comments=[]), to_mcp(task(**columns))):
        assert to_json(projected, fallback=_refuse)


def _refuse(value: Any) -> Any:
    raise TypeError(f"{value!r} is no JSON")


@pytest.mark.parametrize("project", [to_a2a, to_mcp])
def test_a_deleted_task_does_not_exist_for_agents(project: Any) -> None:
    with pytest.raises(TaskGone):
        project(task(deleted_at=NOON))


def test_times_are_in_utc_to_the_millisecond() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=2))) + timedelta(microseconds=123_456)

    projected = to_mcp(task(created_at=local))

    assert projected["createdAt"] == "2026-11-23T12:00:00.123Z"
    assert projected["lastUpdatedAt"] == "2026-11-23T12:01:00.000Z"


@pytest.mark.parametrize(
    ("result", "part"), [("Text", {"text": "Text"}), ({"a": [1]}, {"data": {"a": [1]}})]
)
def test_a_result_is_an_artifact(result: Any, part: dict[str, Any]) -> None:
    projected = to_a2a(task("completed", result=result))

    assert projected["artifacts"] == [{"artifactId": "result", "parts": [part]}]


def test_a_task_without_a_result_has_no_artifacts() -> None:
    assert "artifacts" not in to_a2a(task("completed"))
    assert "artifacts" not in to_a2a(task("pending", result="of an earlier try"))


def test_the_a2a_history_is_the_request_and_what_was_said() -> None:
    doer, creator = uuid7(), uuid7()
    told = task("in_progress", description="Short", assignee_id=doer, created_by_id=creator)
    said = [
        Comment(told.tenant_id, uuid7(), told.id, author, body, NOON)
        for author, body in ((doer, "Which one?"), (creator, "The first"), (None, "Moved"))
    ]

    messages = to_a2a(told, comments=said)["history"]

    assert [message["role"] for message in messages] == [
        "ROLE_USER", "ROLE_AGENT", "ROLE_USER", "ROLE_USER",
    ]  # fmt: skip
    assert messages[0]["parts"] == [{"text": "Write"}, {"text": "Short"}]
    assert messages[1]["parts"] == [{"text": "Which one?"}]
    assert {message["taskId"] for message in messages} == {str(told.id)}
    assert len({message["messageId"] for message in messages}) == 4


def test_an_a2a_task_lies_in_the_context_of_its_project() -> None:
    told = task()

    projected = to_a2a(told)

    assert (projected["id"], projected["contextId"]) == (str(told.id), str(told.project_id))


def test_metadata_tell_what_a2a_has_no_field_for() -> None:
    projected = to_a2a(task("blocked", blocked_reason="no key", due_at=NOON, tags=["text"]))

    told = projected["metadata"]["taskrail"]
    assert (told["version"], told["priority"], told["tags"]) == (7, "medium", ["text"])
    assert (told["blockedReason"], told["dueAt"]) == ("no key", "2026-11-23T12:00:00.000Z")
    assert "parentId" not in told


def asked(**question: Any) -> dict[str, Any]:
    """The parameters of the elicitation."""
    waiting = task(
        "blocked", blocked_reason="input_required", question=QUESTION | {"choices": None} | question
    )
    ((key, request),) = to_mcp(waiting)["inputRequests"].items()
    assert (key, request["method"]) == (QUESTION["id"], "elicitation/create")
    return dict(request["params"])


def test_a_question_is_an_elicitation_under_its_own_id() -> None:
    params = asked()

    assert (params["mode"], params["message"]) == ("form", "Which tone?")
    assert params["requestedSchema"]["required"] == ["answer"]


def test_choices_become_an_enumeration() -> None:
    form = asked(choices=["warm", "dry"])["requestedSchema"]

    assert form["properties"] == {"answer": {"type": "string", "enum": ["warm", "dry"]}}


def test_a_schema_of_an_object_is_the_form_itself() -> None:
    schema = {"type": "object", "properties": {"tone": {"type": "string"}}}

    assert asked(answer_schema=schema)["requestedSchema"] == schema


def test_a_schema_of_a_value_is_the_form_s_only_field() -> None:
    form = asked(answer_schema={"type": "integer", "minimum": 1})["requestedSchema"]

    assert form["properties"] == {"answer": {"type": "integer", "minimum": 1}}


def moved(told: Task, seq: int, **data: Any) -> Event:
    return Event(
        told.tenant_id, "task", told.id, seq, "task.x", None, None, "Write", uuid7(), data, NOON
    )


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"status": "review"}, "review-5"),
        ({"status": "blocked", "blocked_reason": "budget"}, "budget-5"),
    ],
)
def test_the_key_of_a_request_stays_while_others_comment(columns: Any, key: str) -> None:
    told = task(**columns)
    history = [moved(told, 5, status=told.status), moved(told, 6, comment={"body": "Hm"})]

    before = to_mcp(replace(told, version=5), history=history[:1])["inputRequests"]
    after = to_mcp(replace(told, version=6), history=history)["inputRequests"]

    assert list(before) == list(after) == [key]


@pytest.mark.parametrize("project", [to_a2a, to_mcp])
def test_a_cancelled_task_says_why_if_its_history_does(project: Any) -> None:
    told = task("cancelled")
    history = [
        moved(told, 6, status="cancelled", note={"reason": "Too late"}),
        moved(told, 7, comment={"body": "A pity"}),
    ]

    assert "Cancelled: Too late" in to_json(project(told, history=history)).decode()


def test_what_failed_by_report_is_a_completed_mcp_task_with_an_error() -> None:
    result = to_mcp(task("failed", failure=REPORTED))["result"]

    assert (result["isError"], result["structuredContent"]) == (True, REPORTED)


def test_a_task_whose_workers_were_lost_has_failed_by_an_internal_error() -> None:
    error = to_mcp(task("failed", failure=LOST))["error"]

    assert (error["code"], error["message"]) == (-32603, "Failed: lease expired")


@pytest.mark.parametrize(
    ("result", "text"), [("Text", "Text"), ({"a": [1, None]}, '{"a":[1,null]}'), (0, "0")]
)
def test_an_mcp_result_is_text_for_models_and_a_value_for_programs(result: Any, text: str) -> None:
    told = to_mcp(task("completed", result=result))["result"]

    assert told["content"] == [{"type": "text", "text": text}]
    assert (told["structuredContent"], told["isError"]) == (result, False)


def test_an_mcp_task_without_a_result_is_completed_with_empty_content() -> None:
    assert to_mcp(task("completed"))["result"] == {"content": [], "isError": False}
