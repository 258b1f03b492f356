"""Jobs that define a task, give it to somebody, or talk about it."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from jobs.entities import OnFailure
from jobs.payloads.base import STRICT, Payload, Version, require_something_to_change
from jobs.payloads.budget import Budget
from jobs.recurrence import Recurrence
from jobs.refs import Refs, Role
from jobs.values import Attributes, Body, LongText, Reason, Time, Title, Words

MAX_TREE_TASKS = 500
MAX_TREE_DEPTH = 16
MAX_DEPENDENCIES = 50

PriorityWord = Literal["low", "medium", "high", "critical"]
FailurePolicy = Annotated[OnFailure, Field(strict=False)]
Attempts = Annotated[int, Field(ge=1, le=100)]


class NewDependency(BaseModel):
    """The new task waits for `task_id`, which exists or is made by the same job."""

    model_config = STRICT

    task_id: UUID
    on_failure: FailurePolicy = OnFailure.BLOCK


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
    max_attempts: Attempts = 3
    budget: Budget | None = None
    recurrence: Recurrence | None = None
    depends_on: list[NewDependency] = Field(default_factory=list, max_length=MAX_DEPENDENCIES)
    subtasks: list["NewTask"] = Field(default_factory=list, max_length=MAX_TREE_TASKS)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        blockers = {edge.task_id for edge in self.depends_on}
        if len(blockers) != len(self.depends_on):
            raise ValueError("depends_on names a task twice; name each once")
        if self.recurrence is not None and self.due_at is None:
            raise ValueError("a recurring task needs due_at: its first occurrence")
        return self

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

    def refs(self, _: UUID | None, /) -> Refs:
        nodes = [task for task, _ in self.tree()]
        made = {task.task_id for task in nodes}
        blockers = {edge.task_id for task in nodes for edge in task.depends_on}
        return Refs(
            projects=(self.project_id,),
            blockers=tuple(sorted(blockers - made)),
            changed_workers=tuple(
                {task.assignee_id for task in nodes if task.assignee_id is not None}
            ),
            tasks=tuple(task.task_id for task in nodes),
            parents=() if self.parent_id is None else (self.parent_id,),
        )


class TaskPayload(Payload):
    """A job about one task that exists."""

    task_id: UUID

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,))


class UpdateTask(TaskPayload):
    """Changes the fields that are given; null clears.

    `expected_version`: refused if the task has another one by then.
    """

    title: Title | None = None
    description: LongText | None = None
    priority: PriorityWord | None = None
    tags: Words | None = None
    attributes: Attributes | None = None
    required_capabilities: Words | None = None
    due_at: Time | None = None
    run_after: Time | None = None
    max_attempts: Attempts | None = None
    recurrence: Recurrence | None = None
    expected_version: Version | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        return require_something_to_change(
            self,
            never_null={
                "title", "priority", "tags", "attributes", "required_capabilities", "max_attempts",
            },
        )  # fmt: skip


class MoveTask(TaskPayload):
    """The task, with all below it, hangs under `parent_id` of its project; null: at the top."""

    parent_id: UUID | None

    def refs(self, _: UUID | None, /) -> Refs:
        parents = () if self.parent_id is None else (self.parent_id,)
        return Refs(tasks=(self.task_id,), moves=(self.task_id,), parents=parents)


class DeleteTask(TaskPayload):
    """The task and its live descendants disappear from reads, until they are restored."""

    reason: Reason | None = None

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), roles=((self.task_id, Role.DELETES),))


class RestoreTask(TaskPayload):
    """The deleted task is there again, and exactly what was deleted with it below."""

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(
            tasks=(self.task_id,),
            parents=(self.task_id,),
            roles=((self.task_id, Role.RESTORES),),
        )


class PurgeTask(TaskPayload):
    """System: what a task deleted long ago says is erased; its skeleton and history stay."""


class AddDependency(TaskPayload):
    """The task waits for `depends_on_id` of the same project from now on."""

    depends_on_id: UUID
    on_failure: FailurePolicy = OnFailure.BLOCK

    @model_validator(mode="after")
    def _waits_for_another(self) -> Self:
        if self.task_id == self.depends_on_id:
            raise ValueError("a task cannot wait for itself")
        return self

    def refs(self, _: UUID | None, /) -> Refs:
        both = (self.task_id, self.depends_on_id)
        return Refs(
            tasks=(self.task_id,),
            parents=(self.task_id,),
            blockers=(self.depends_on_id,),
            edges_of=both,
        )


class RemoveDependency(TaskPayload):
    """The task does not wait for `depends_on_id` any more."""

    depends_on_id: UUID

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), blockers=(self.depends_on_id,), edges_of=(self.task_id,))


class RaiseBudget(TaskPayload):
    """The task has these limits from now on; work that a lower one stopped may go on."""

    budget: Budget

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), spends=True)


class UnassignTask(TaskPayload):
    """The task is nobody's; it must not be leased."""


class AssignTask(TaskPayload):
    """The task is `worker_id`'s from now on; it must not be leased."""

    worker_id: UUID

    def refs(self, _: UUID | None, /) -> Refs:
        return Refs(tasks=(self.task_id,), changed_workers=(self.worker_id,))


class CommentTask(TaskPayload):
    """A comment by the actor stands under the task."""

    comment_id: UUID
    body: Body
