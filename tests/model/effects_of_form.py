"""What is true after a job about what a task is, whose it is and where it stands."""

from typing import Any
from uuid import UUID

from jobs.payloads.task import CreateTask
from tests.model.act import Act, becomes, note
from tests.model.budgets import stored
from tests.model.state import TaskFacts


def create(act: Act) -> None:
    """Parents first; each is pending, and waits for what it names."""
    parents: list[tuple[Any, UUID | None]] = [(act.job, act.job.parent_id)]
    while parents:
        node, parent = parents.pop()
        act.state.tasks[node.task_id] = _new(act, node, parent)
        for edge in node.depends_on:
            act.state.edges[node.task_id, edge.task_id] = str(edge.on_failure)
        parents += [(subtask, node.task_id) for subtask in node.subtasks]


def _new(act: Act, node: CreateTask, parent: UUID | None) -> TaskFacts:
    return TaskFacts(
        id=node.task_id,
        project=act.job.project_id,
        parent=parent,
        title=node.title,
        priority=node.priority,
        assignee=node.assignee_id,
        created_at=act.state.now,
        due_at=node.due_at,
        run_after=node.run_after,
        needs=set(node.required_capabilities),
        max_attempts=node.max_attempts,
        budget=stored(node.budget),
    )


def update(act: Act) -> None:
    """Only the fields given; an explicit null clears."""
    given = {name: getattr(act.job, name) for name in act.job.model_fields_set}
    if "required_capabilities" in given:
        given["needs"] = set(given.pop("required_capabilities"))
    known = {name: value for name, value in given.items() if name in TaskFacts.__slots__}
    if any(getattr(act.task, name) != value for name, value in known.items()):
        note(act.task)
    for name, value in known.items():
        setattr(act.task, name, value)


def move(act: Act) -> None:
    act.task.parent = act.job.parent_id
    note(act.task)


def assign(act: Act) -> None:
    act.task.assignee = act.job.worker_id
    note(act.task)


def unassign(act: Act) -> None:
    """Nobody works on what is nobody's."""
    act.task.assignee = None
    if act.task.status == "in_progress":
        becomes(act.state, act.task, "pending")
    note(act.task)


def add_dependency(act: Act) -> None:
    act.state.edges[act.job.task_id, act.job.depends_on_id] = str(act.job.on_failure)
    note(act.task)


def remove_dependency(act: Act) -> None:
    del act.state.edges[act.job.task_id, act.job.depends_on_id]
    note(act.task)


def comment(act: Act) -> None:
    act.state.comments.add(act.job.comment_id)
    note(act.task)
