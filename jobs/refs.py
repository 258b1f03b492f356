"""What a job needs to know of the database before its rule can run."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Refs:
    """Ids within the job's tenant. A rule that asks for a row outside its refs has a bug.

    Read: `projects`, `workers`, and always the actor and the assignees of `tasks`. Locked:
    `changed_projects`, `changed_workers`, `tasks`. Share-locked: `parents`, with their depth. Of
    `children_of` the open subtasks are known by id; of `descendants_of` all live descendants are
    locked. `slugs` and `handles` are natural keys that must be free. `dispatch` is the number of
    ready tasks asked for by the actor.
    """

    projects: tuple[UUID, ...] = ()
    changed_projects: tuple[UUID, ...] = ()
    workers: tuple[UUID, ...] = ()
    changed_workers: tuple[UUID, ...] = ()
    tasks: tuple[UUID, ...] = ()
    parents: tuple[UUID, ...] = ()
    children_of: tuple[UUID, ...] = ()
    descendants_of: tuple[UUID, ...] = ()
    slugs: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    dispatch: int = 0
