"""The rule that makes tasks: one, or a whole tree, or nothing."""

from typing import Any
from uuid import UUID

from jobs.board import Board
from jobs.entities import OPEN, Priority, Project, Task
from jobs.errors import Invalid, LimitExceeded
from jobs.payloads.task import MAX_TREE_DEPTH, CreateTask, NewTask
from jobs.rules.dependencies import edge_part, join
from jobs.rules.find import active_project, live_task, require_free_id, seen
from jobs.rules.permissions import require_assignable, require_member
from jobs.rules.recur import first_occurrence
from jobs.rules.transitions import require_status


def create(board: Board, payload: CreateTask) -> dict[str, Any]:
    project = active_project(board, payload.project_id)
    require_member(board, project.id)
    depth = _parent_depth(board, project, payload.parent_id)
    nodes = list(payload.tree(depth + 1))
    if max(node_depth for _, node_depth in nodes) > MAX_TREE_DEPTH:
        raise LimitExceeded(
            f"Task trees are at most {MAX_TREE_DEPTH} levels deep; attach it higher."
        )
    parents = _parents(payload)
    for new, _ in nodes:
        task = _new_task(board, project, new, parents[new.task_id])
        board.create("task.created", task, **_edges_part(new))
        board.count(task, tasks=1)
    for new, _ in nodes:
        join(board, board.kin((project.tenant_id, new.task_id)), new.depends_on)
    created = [new.task_id for new, _ in nodes]
    return {"task_id": payload.task_id, "version": 1, "task_ids": created}


def _parent_depth(board: Board, project: Project, parent_id: UUID | None) -> int:
    if parent_id is None:
        return 0
    parent = live_task(board, parent_id)
    if parent.project_id != project.id:
        raise Invalid(
            f"A subtask lies in its parent's project; name project {parent.project_id}.",
            observed=seen(parent),
        )
    require_status(parent, OPEN, "take subtasks")
    return board.depth(parent.key)


def _edges_part(new: NewTask) -> dict[str, Any]:
    edges = [edge_part(edge.task_id, edge.on_failure) for edge in new.depends_on]
    return {"dependencies": edges} if edges else {}


def _parents(payload: CreateTask) -> dict[UUID, UUID | None]:
    parents = {payload.task_id: payload.parent_id}
    for new, _ in payload.tree():
        parents.update({subtask.task_id: new.task_id for subtask in new.subtasks})
    return parents


def _new_task(board: Board, project: Project, new: NewTask, parent_id: UUID | None) -> Task:
    cause = board.cause()
    require_free_id(board, new.task_id)
    if new.assignee_id is not None:
        require_assignable(board, project, new.assignee_id)
    return Task(
        tenant_id=cause.tenant_id,
        id=new.task_id,
        project_id=project.id,
        parent_id=parent_id,
        title=new.title,
        description=new.description,
        priority=Priority[new.priority.upper()],
        created_by_id=cause.actor_id,
        assignee_id=new.assignee_id,
        tags=new.tags,
        attributes=new.attributes,
        required_capabilities=new.required_capabilities,
        due_at=new.due_at,
        run_after=new.run_after,
        max_attempts=new.max_attempts,
        budget=None if new.budget is None else new.budget.stored(),
        recurrence=first_occurrence(new),
        created_at=board.now,
        updated_at=board.now,
    )
