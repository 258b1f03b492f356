"""A task as a Task of the Agent2Agent protocol, version 1.0 (JSON of `a2a.proto`)."""

from collections.abc import Sequence
from typing import Any, assert_never

from jobs.entities import Comment, Event, Task
from jobs.projections.phase import Phase, phase_of, sentence, stamp

SHOWS_RESULT = frozenset({Phase.UNDER_REVIEW, Phase.DONE})


def to_a2a(
    task: Task, *, comments: Sequence[Comment] | None = None, history: Sequence[Event] = ()
) -> dict[str, Any]:
    """The task for the JSON bindings; fields without a value are left out.

    `contextId` is the project. With `comments`, `history` holds the request and what was said
    under it. `history` (the latest events) lets a cancelled task say why. Raises TaskGone (the
    protocol's TaskNotFoundError) for a deleted task.
    """
    phase = phase_of(task)
    projected: dict[str, Any] = {
        "id": str(task.id),
        "contextId": str(task.project_id),
        "status": {
            "state": state_of(phase),
            "message": _status_message(task, phase, history),
            "timestamp": stamp(task.updated_at),
        },
        "metadata": {"taskrail": _metadata(task)},
    }
    if phase in SHOWS_RESULT and task.result is not None:
        projected["artifacts"] = [{"artifactId": "result", "parts": [_part(task.result)]}]
    if comments is not None:
        projected["history"] = [_request(task), *(_said(task, one) for one in comments)]
    return projected


def state_of(phase: Phase) -> str:
    """The name of the protocol's TaskState."""
    match phase:
        case Phase.QUEUED | Phase.HELD_UP:
            return "TASK_STATE_SUBMITTED"
        case Phase.WORKED_ON:
            return "TASK_STATE_WORKING"
        case Phase.ASKING | Phase.OVER_BUDGET | Phase.UNDER_REVIEW:
            return "TASK_STATE_INPUT_REQUIRED"
        case Phase.DONE:
            return "TASK_STATE_COMPLETED"
        case Phase.FAILED | Phase.LOST:
            return "TASK_STATE_FAILED"
        case Phase.CANCELLED:
            return "TASK_STATE_CANCELED"
        case _:
            assert_never(phase)


def _status_message(task: Task, phase: Phase, history: Sequence[Event]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": sentence(task, phase, history)}]
    if phase is Phase.ASKING:
        parts.append({"data": task.question})
    if phase in {Phase.FAILED, Phase.LOST}:
        parts.append({"data": task.failure})
    return _message(task, f"{task.id}:{task.version}", "ROLE_AGENT", parts)


def _request(task: Task) -> dict[str, Any]:
    parts = [{"text": text} for text in (task.title, task.description) if text]
    return _message(task, f"{task.id}:request", "ROLE_USER", parts)


def _said(task: Task, comment: Comment) -> dict[str, Any]:
    """Who does the task is the agent of the conversation, be it a human."""
    is_doer = comment.author_id is not None and comment.author_id == task.assignee_id
    role = "ROLE_AGENT" if is_doer else "ROLE_USER"
    return _message(task, str(comment.id), role, [{"text": comment.body}])


def _message(task: Task, message_id: str, role: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "contextId": str(task.project_id),
        "taskId": str(task.id),
        "role": role,
        "parts": parts,
    }


def _part(value: Any) -> dict[str, Any]:
    return {"text": value} if isinstance(value, str) else {"data": value}


def _metadata(task: Task) -> dict[str, Any]:
    """What the protocol has no field for."""
    told = {
        "version": task.version,
        "priority": task.priority.name.lower(),
        "progress": task.progress,
        "attempt": task.attempt,
        "maxAttempts": task.max_attempts,
        "tags": task.tags,
        "parentId": None if task.parent_id is None else str(task.parent_id),
        "blockedReason": task.blocked_reason,
        "dueAt": None if task.due_at is None else stamp(task.due_at),
    }
    return {name: value for name, value in told.items() if value is not None}
