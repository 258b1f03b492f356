"""Jobs that define a task, give it to somebody, or talk about it."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from jobs.payloads.base import STRICT, Payload
from jobs.refs import Refs
from jobs.values import Attributes, Body, LongText, Time, Title, Words

MAX_TREE_TASKS = 500
MAX_TREE_DEPTH = 16

PriorityWord = Literal["low", "medium", "high", "critical"]


class NewTask(Payload, defer_build=True):
    """A task as it is defined at creation, with the subtasks made together with it."""

    model_config = STRICT

    task_id: UUID
    title: Title
    description: LongText | None = None
    priority: PriorityWord = "medium"
    assignee_id: UUID | None = None
    tags: Words = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)
    required_capabilities: Words = Field(default_factory=list)
    due_at: Time | None = None
    run_after: Time | None = None
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    subtasks: list["NewTask"] = Field(default_factory=list, max_length=MAX_TREE_TASKS)

    def tree(self, depth: int = 1) -> Iterator[tuple["NewTask", int]]:
        """The task and its descendants, parents first, each with its depth (the task: `depth`)."""
        yield self, depth
        for subtask in self.subtasks:
            yield from subtask.tree(depth + 1)


class CreateTask(NewTask):
    """A new task in a project, under `parent_id` if given; with its subtasks, or not at all."""

    project_id: UUID
    parent_id: UUID | None = None

    @model_validator(mode="after")
    def _tree_is_bounded(self) -> Self:
        nodes = list(self.tree())
        if len(nodes) > MAX_TREE_TASKS:
            raise ValueError(f"{len(nodes)} tasks in the tree; at most {MAX_TREE_TASKS} in one job")
        if max(depth for _, depth in nodes) > MAX_TREE_DEPTH:
            raise ValueError(f"the tree is deeper than {MAX_TREE_DEPTH} levels")
        ids = {task.task_id for task, _ in nodes}
        if len(ids) != len(nodes):
            raise ValueError("each task of the tree needs an id of its own")
        if self.parent_id in ids:
            raise ValueError("the tree cannot hang below one of its own tasks")
        return self

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        nodes = [task for task, _ in self.tree()]
        return Refs(
            projects=(self.project_id,),
            changed_workers=tuple(
                {task.assignee_id for task in nodes if task.assignee_id is not None}
            ),
            tasks=tuple(task.task_id for task in nodes),
            parents=() if self.parent_id is None else (self.parent_id,),
        )


class TaskPayload(Payload):
    """A job about one task that exists."""

    task_id: UUID

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return Refs(tasks=(self.task_id,))


class AssignTask(TaskPayload):
    """The task is `worker_id`'s from now on; it must not be leased."""

    worker_id: UUID

    def refs(self, actor_id: UUID | None) -> Refs:  # noqa: ARG002 - the actor is read anyway
        return Refs(tasks=(self.task_id,), changed_workers=(self.worker_id,))


class CommentTask(TaskPayload):
    """A comment by the actor stands under the task."""

    comment_id: UUID
    body: Body
