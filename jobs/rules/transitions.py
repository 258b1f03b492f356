"""The states of a task and the ways between them (domain: the task's states)."""

from collections.abc import Set as AbstractSet
from typing import assert_never

from jobs.entities import ApprovalPolicy, Priority, Project, Task, TaskStatus
from jobs.errors import IllegalTransition
from jobs.rules.find import seen

S = TaskStatus

TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    S.PENDING: frozenset({S.IN_PROGRESS, S.BLOCKED, S.COMPLETED, S.CANCELLED}),
    S.IN_PROGRESS: frozenset({S.REVIEW, S.COMPLETED, S.BLOCKED, S.PENDING, S.FAILED, S.CANCELLED}),
    S.REVIEW: frozenset({S.COMPLETED, S.IN_PROGRESS, S.PENDING, S.CANCELLED}),
    S.BLOCKED: frozenset({S.IN_PROGRESS, S.PENDING, S.CANCELLED}),
    S.COMPLETED: frozenset({S.REVIEW}),
    S.FAILED: frozenset({S.PENDING}),
    S.CANCELLED: frozenset({S.PENDING}),
}


def require_status(task: Task, allowed: AbstractSet[TaskStatus], act: str) -> None:
    """The task stands in one of `allowed`; otherwise it cannot `act` ("be submitted")."""
    if task.status not in allowed:
        legal = next_states(task)
        raise IllegalTransition(
            f"The task is {task.status} and cannot {act}; "
            f"from here it can become {', '.join(legal)}.",
            alternatives=legal,
            observed=seen(task),
        )


def next_states(task: Task) -> list[TaskStatus]:
    return sorted(TRANSITIONS[task.status])


def needs_approval(project: Project, task: Task) -> bool:
    """Whether completing this task takes a review."""
    match project.approval_policy:
        case ApprovalPolicy.ALL:
            return True
        case ApprovalPolicy.CRITICAL:
            return task.priority is Priority.CRITICAL
        case ApprovalPolicy.NONE:
            return False
        case _:
            assert_never(project.approval_policy)
