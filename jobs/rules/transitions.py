"""The states of a task and the ways between them (domain: the task's states)."""

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


def require_transition(task: Task, to: TaskStatus, *, only_from: frozenset[TaskStatus]) -> None:
    """The task stands in one of `only_from` and may go on to `to`."""
    if task.status not in only_from or to not in TRANSITIONS[task.status]:
        legal = sorted(TRANSITIONS[task.status])
        raise IllegalTransition(
            f"A {task.status} task cannot become {to} this way; "
            f"from here it can become {', '.join(legal)}.",
            alternatives=legal,
            observed=seen(task),
        )


def needs_approval(project: Project, task: Task) -> bool:
    """Whether completing this task takes a review."""
    match project.approval_policy:
        case ApprovalPolicy.ALL:
            return True
        case ApprovalPolicy.CRITICAL:
            return task.priority is Priority.CRITICAL
        case ApprovalPolicy.NONE:
            return False
