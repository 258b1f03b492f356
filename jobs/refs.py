"""What a job needs to know of the database before its rule can run."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from jobs.entities import Key

Scope = tuple[UUID, UUID | None, UUID]
"""Tenant, project (None: any), worker."""


class Role(StrEnum):
    """What becomes of a task, and so which of its kin are concerned (domain: the task's states).

    Dependents are always concerned: their count of unmet dependencies changes.
    """

    SETTLES = "settles"
    """It is completed, or open again."""
    SETTLES_ALL = "settles_all"
    """It is completed, and its open descendants are cancelled."""
    FAILS = "fails"
    """Dependents by an edge `on_failure = cancel` are cancelled."""
    CANCELS = "cancels"
    """So are they, and all open descendants."""
    DELETES = "deletes"
    """Live descendants are deleted with it."""
    RESTORES = "restores"
    """Descendants that were deleted with it come back."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """The tasks of a project that one job may settle together, at most `limit`."""

    project_id: UUID
    what: Literal["complete", "archive", "archive_all"]
    limit: int

    @property
    def role(self) -> Role:
        return Role.SETTLES if self.what == "complete" else Role.DELETES


@dataclass(frozen=True, slots=True)
class Eligible:
    """What a bulk job found: the tasks it may settle, and how many others were left, and why."""

    tasks: tuple[Key, ...]
    left: dict[str, int]


@dataclass(frozen=True, slots=True)
class Refs:
    """Ids within the job's tenant. A rule that asks for a row outside its refs has a bug.

    Read: `projects`, `workers`, and always the actor, the assignees and holders of `tasks`. Locked:
    `changed_projects`, `changed_workers`, `changed_members` (project, worker), `tasks`, all kin
    that `roles` concern, and `tasks_of`: what a worker has or had in a project (None: anywhere).
    Share-locked: `parents`, with the line above them, and `blockers`. Of `children_of` the open
    subtasks are known by id. `moves` are locked with their subtrees' heights. `edges_of`: all edges
    that lead to blockers, directly or not. `templates_of`: definitions of live descendants, if the
    task recurs with its subtasks. `slugs` and `handles` are natural keys that must be free.
    `leases_in`: projects of which the number of leases is known. `spends`: usage is
    booked on `tasks` and their projects. `dispatch` is the number of ready tasks asked for by the
    actor.
    """

    projects: tuple[UUID, ...] = ()
    changed_projects: tuple[UUID, ...] = ()
    workers: tuple[UUID, ...] = ()
    changed_workers: tuple[UUID, ...] = ()
    changed_members: tuple[tuple[UUID, UUID], ...] = ()
    tasks: tuple[UUID, ...] = ()
    roles: tuple[tuple[UUID, Role], ...] = ()
    parents: tuple[UUID, ...] = ()
    blockers: tuple[UUID, ...] = ()
    children_of: tuple[UUID, ...] = ()
    moves: tuple[UUID, ...] = ()
    edges_of: tuple[UUID, ...] = ()
    templates_of: tuple[UUID, ...] = ()
    tasks_of: tuple[tuple[UUID | None, UUID], ...] = ()
    slugs: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    spends: bool = False
    bulk: Bulk | None = None
    leases_in: tuple[UUID, ...] = ()
    dispatch: int = 0
