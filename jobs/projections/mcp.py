"""A task as a DetailedTask of MCP's extension `io.modelcontextprotocol/tasks`, version 2026-07-28.

`failed` is for errors of the protocol alone; work that came to nothing is
completed, with a result that says so.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from pydantic_core import to_json

from jobs.entities import Event, Task
from jobs.projections.phase import Phase, entered, phase_of, sentence, stamp

INTERNAL_ERROR = -32603
POLL_INTERVAL_MS = 1_000
TERMINAL = frozenset({"completed", "failed", "cancelled"})
ANSWER = "answer"
"""The form's field where the question itself asks for no object."""
AMOUNTS = ("tokens", "money_micros", "wall_seconds", "attempts")


def to_mcp(
    task: Task,
    *,
    history: Sequence[Event] = (),
    ttl_ms: int | None = None,
    poll_interval_ms: int = POLL_INTERVAL_MS,
) -> dict[str, Any]:
    """The task with its result, error or input requests; the caller adds `resultType`.

    `history`: the latest events. The keys of reviews and budgets come from it: without it they
    change with each version of the task. Raises TaskGone (invalid params, -32602) for a deleted
    task.
    """
    phase = phase_of(task)
    status = status_of(phase)
    projected = {
        "taskId": str(task.id),
        "status": status,
        "statusMessage": sentence(task, phase, history),
        "createdAt": stamp(task.created_at),
        "lastUpdatedAt": stamp(task.updated_at),
        "ttlMs": ttl_ms,
    }
    if status not in TERMINAL:
        projected["pollIntervalMs"] = poll_interval_ms
    return projected | _details(task, phase, entered(task, history))


def status_of(phase: Phase) -> str:
    """The extension's TaskStatus."""
    match phase:
        case Phase.QUEUED | Phase.WORKED_ON | Phase.HELD_UP:
            return "working"
        case Phase.ASKING | Phase.OVER_BUDGET | Phase.UNDER_REVIEW:
            return "input_required"
        case Phase.DONE | Phase.FAILED:
            return "completed"
        case Phase.LOST:
            return "failed"
        case Phase.CANCELLED:
            return "cancelled"
        case _:
            assert_never(phase)


def _details(  # noqa: PLR0911 - a table
    task: Task, phase: Phase, since: int
) -> dict[str, Any]:
    """The field that the status asks for, if any."""
    match phase:
        case Phase.ASKING:
            question = task.question or {}
            return _asks(str(question["id"]), question["prompt"], _question_form(question))
        case Phase.OVER_BUDGET:
            return _asks(f"budget-{since}", sentence(task, phase), _budget_form())
        case Phase.UNDER_REVIEW:
            return _asks(f"review-{since}", sentence(task, phase), _review_form())
        case Phase.DONE:
            return {"result": _result(task.result, is_error=False)}
        case Phase.FAILED:
            return {"result": _result(task.failure, is_error=True)}
        case Phase.LOST:
            return {"error": {"code": INTERNAL_ERROR, "message": sentence(task, phase)}}
        case Phase.QUEUED | Phase.WORKED_ON | Phase.HELD_UP | Phase.CANCELLED:
            return {}
        case _:
            assert_never(phase)


def _asks(key: str, message: str, form: dict[str, Any]) -> dict[str, Any]:
    params = {"mode": "form", "message": message, "requestedSchema": form}
    return {"inputRequests": {key: {"method": "elicitation/create", "params": params}}}


def _question_form(question: dict[str, Any]) -> dict[str, Any]:
    schema, choices = question.get("answer_schema"), question.get("choices")
    if schema is not None and schema.get("type") == "object":
        return dict(schema)
    if choices is not None:
        return _form({ANSWER: {"type": "string", "enum": choices}}, [ANSWER])
    return _form({ANSWER: schema or {"type": "string"}}, [ANSWER])


def _budget_form() -> dict[str, Any]:
    """New hard limits."""
    return _form({amount: {"type": "integer", "minimum": 0} for amount in AMOUNTS}, [])


def _review_form() -> dict[str, Any]:
    fields = {
        "verdict": {"type": "string", "enum": ["approve", "reject"]},
        "reason": {"type": "string", "maxLength": 500},
    }
    return _form(fields, ["verdict"])


def _form(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required}


def _result(value: Any, *, is_error: bool) -> dict[str, Any]:
    """A CallToolResult: the value as text for models, and as it is for programs."""
    if value is None:
        return {"content": [], "isError": is_error}
    text = value if isinstance(value, str) else to_json(value).decode()
    content = [{"type": "text", "text": text}]
    return {"content": content, "structuredContent": value, "isError": is_error}
