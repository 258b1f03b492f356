"""The rules for tasks that wait for an answer."""

from typing import Any

from jobs.board import Board
from jobs.entities import Task
from jobs.errors import IllegalTransition, Invalid
from jobs.payloads.lifecycle import INPUT_REQUIRED, ProvideInput, RequestInput
from jobs.rules.block import GOING_ON, stop
from jobs.rules.find import live_task, seen
from jobs.rules.outcome import task_result
from jobs.rules.permissions import require_holder, require_member
from jobs.rules.resume import resume
from jobs.rules.transitions import next_states, require_status


def request_input(board: Board, payload: RequestInput) -> dict[str, Any]:
    """The question has the id of the job that asked it."""
    task = live_task(board, payload.task_id)
    require_holder(board, task, payload.token)
    require_status(task, GOING_ON, "ask a question")
    cause = board.cause()
    question = payload.question.model_dump(mode="json", exclude_none=True) | {
        "id": str(cause.job_id),
        "asked_by_id": None if cause.actor_id is None else str(cause.actor_id),
        "asked_at": board.now.isoformat(),
    }
    stop(
        board,
        task,
        "task.input_requested",
        INPUT_REQUIRED,
        keep_lease=payload.keep_lease,
        question=question,
    )
    return task_result(task) | {"question_id": cause.job_id}


def provide_input(board: Board, payload: ProvideInput) -> dict[str, Any]:
    task = live_task(board, payload.task_id)
    require_member(board, task.project_id)
    question = _open_question(task)
    choices = question.get("choices")
    if choices is not None and payload.answer not in choices:
        raise Invalid(
            f"The question offers {', '.join(choices)}; answer with one of them.",
            observed=seen(task),
        )
    answer = {"question_id": question["id"], "answer": payload.answer}
    resume(board, task, "task.input_provided", parts={"answer": answer}, question=None)
    return task_result(task)


def _open_question(task: Task) -> dict[str, Any]:
    if task.question is None:
        raise IllegalTransition(
            f"The task is {task.status} and asks nothing; look at what it waits for.",
            alternatives=next_states(task),
            observed=seen(task),
        )
    return task.question
