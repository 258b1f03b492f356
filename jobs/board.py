"""The board: what a batch knows (identity map) and what it changes (change log).

Rules change entities only through it; a job that is refused leaves no trace on it. It does no I/O
and knows no clock but `now`, the database's time, read after the last lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from jobs.changes import DERIVED, Cause, Change, Own, own_columns
from jobs.entities import (
    Comment,
    Dependency,
    Edge,
    Event,
    Key,
    Lease,
    Member,
    Project,
    Tally,
    Task,
    Tenant,
    Worker,
)
from jobs.errors import KinUnknown
from jobs.refs import Eligible, Scope
from jobs.undo import Undo

Value = TypeVar("Value")


@dataclass(slots=True)
class Board:
    """All rows a batch may see, and everything it has done to them so far."""

    now: datetime
    tenants: dict[UUID, Tenant] = field(default_factory=dict)
    projects: dict[Key, Project] = field(default_factory=dict)
    workers: dict[Key, Worker] = field(default_factory=dict)
    members: dict[Edge, Member] = field(default_factory=dict)
    tasks: dict[Key, Task] = field(default_factory=dict)
    leases: dict[Key, Lease] = field(default_factory=dict)
    comments: dict[Key, Comment] = field(default_factory=dict)
    slugs: set[tuple[UUID, str]] = field(default_factory=set)
    handles: set[tuple[UUID, str]] = field(default_factory=set)
    parents: dict[Key, Key | None] = field(default_factory=dict)
    children: dict[Key, set[Key]] = field(default_factory=dict)
    heights: dict[Key, int] = field(default_factory=dict)
    dependencies: dict[Edge, Dependency] = field(default_factory=dict)
    dependents: dict[Key, set[Key]] = field(default_factory=dict)
    blockers: dict[Key, set[Key]] = field(default_factory=dict)
    restorable: dict[Key, set[Key]] = field(default_factory=dict)
    deleted_lines: set[Key] = field(default_factory=set)
    templates: dict[Key, list[Task]] = field(default_factory=dict)
    held: dict[Key, int] = field(default_factory=dict)
    leased: dict[Key, int] = field(default_factory=dict)
    tasks_of: dict[Scope, set[Key]] = field(default_factory=dict)
    spent: dict[Key, Tally] = field(default_factory=dict)
    eligible: dict[tuple[Key, str], Eligible] = field(default_factory=dict)
    candidates: dict[Key, list[Key]] = field(default_factory=dict)

    changes: dict[tuple[type[Own], UUID, UUID], Change] = field(default_factory=dict)
    lease_changes: dict[Key, Lease | None] = field(default_factory=dict)
    member_changes: dict[Edge, Member | None] = field(default_factory=dict)
    dependency_changes: dict[Edge, Dependency | None] = field(default_factory=dict)
    new_comments: list[Comment] = field(default_factory=list)
    erased_comments: set[Key] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    tally: dict[Key, Tally] = field(default_factory=dict)

    _cause: Cause | None = None
    _undo: Undo = field(default_factory=Undo)

    @contextmanager
    def caused_by(self, cause: Cause) -> Iterator[None]:
        """Events of this block are the job's; if it raises, nothing of the block remains."""
        self._cause = cause
        try:
            yield
        except BaseException:
            self._undo.rewind()
            raise
        finally:
            self._cause = None
            self._undo.clear()

    def create(self, kind: str, entity: Own, **parts: Any) -> None:
        """`entity` is new; its first event carries all of its own columns."""
        table: dict[Key, Any] = self._table(entity)
        self._undo.put(table, entity.key, entity)
        self._undo.put(self.changes, _identity(entity), Change(entity, None))
        if isinstance(entity, Task):
            self._undo.put(self.dependents, entity.key, set())
            self._undo.put(self.children, entity.key, set())
            self._undo.put(self.blockers, entity.key, set())
            self.place(entity)
        self._set(entity, {"version": entity.version + 1})
        self._append(kind, entity, own_columns(entity) | parts)

    def record(
        self, kind: str, entity: Own, *, parts: dict[str, Any] | None = None, **new: Any
    ) -> None:
        """Changes own columns of `entity`, raises its version and appends the event, in one go.

        `parts` (lease, member, comment, note) stand in the event only: their rows are changed by
        the methods below.
        """
        self._set(entity, new | {"updated_at": self.now, "version": entity.version + 1})
        self._append(kind, entity, new | (parts or {}))

    def derive(self, entity: Own, **new: Any) -> None:
        """Changes derived columns: no event, no version."""
        if not DERIVED.issuperset(new):
            raise ValueError(f"not derived: {sorted(set(new) - DERIVED)}")
        self._set(entity, new)

    def add_member(self, member: Member) -> None:
        self._undo.put(self.members, member.key, member)
        self._undo.put(self.member_changes, member.key, member)

    def remove_member(self, member: Member) -> None:
        self._undo.drop(self.members, member.key)
        self._undo.put(self.member_changes, member.key, None)

    def add_dependency(self, edge: Dependency) -> None:
        """The edge exists; counting it among the unmet ones is the rule's."""
        self._undo.put(self.dependencies, edge.key, edge)
        self._undo.put(self.dependency_changes, edge.key, edge)
        self._undo.join(self.dependents, edge.blocker, edge.dependent)
        self._undo.join(self.blockers, edge.dependent, edge.blocker)

    def remove_dependency(self, edge: Dependency) -> None:
        self._undo.drop(self.dependencies, edge.key)
        self._undo.put(self.dependency_changes, edge.key, None)
        self._undo.part(self.dependents, edge.blocker, edge.dependent)
        self._undo.part(self.blockers, edge.dependent, edge.blocker)

    def kin(self, key: Key) -> Task:
        return _known(self.tasks, key)

    def children_of(self, task: Task) -> set[Key]:
        """The live subtasks."""
        return _known(self.children, task.key)

    def dependents_of(self, task: Task) -> set[Key]:
        """The tasks that depend on it, live or not."""
        return _known(self.dependents, task.key)

    def depth(self, task: Key) -> int:
        """The level of a task whose line is known; a root's is 1."""
        return len(list(self.line(task)))

    def line(self, task: Key) -> Iterator[Key]:
        """The task, its parent, and so on up to the root."""
        above: Key | None = task
        while above is not None:
            yield above
            above = _known(self.parents, above)

    def unplace(self, task: Task) -> None:
        """The task is deleted: it is no live subtask any more, but comes back with its parent."""
        parent = _parent(task)
        if parent is not None:
            self._undo.part(self.children, parent, task.key)
            self._undo.join(self.restorable, parent, task.key)

    def restorable_of(self, task: Task) -> set[Key]:
        """The subtasks that were deleted with it."""
        return _known(self.restorable, task.key)

    def erase_comments(self, task: Task) -> None:
        """Nobody can read what was said under the task."""
        self._undo.include(self.erased_comments, task.key)

    def add_comment(self, comment: Comment) -> None:
        self._undo.push(self.new_comments, comment)
        self._undo.put(self.comments, comment.key, comment)

    def put_lease(self, lease: Lease) -> None:
        """The task is leased from now on, or its lease is renewed."""
        if lease.key not in self.leases:
            self._hold(lease, 1)
        self._undo.put(self.leases, lease.key, lease)
        self._undo.put(self.lease_changes, lease.key, lease)

    def end_lease(self, task: Task) -> Lease | None:
        """The task is not leased any more; returns the lease it had."""
        lease = self.leases.get(task.key)
        if lease is not None:
            self._hold(lease, -1)
            self._undo.drop(self.leases, task.key)
            self._undo.put(self.lease_changes, task.key, None)
        return lease

    def count(self, task: Task, **more: int) -> None:
        """Adds to the counters of the task's project; `more` are fields of Tally."""
        key = (task.tenant_id, task.project_id)
        self._undo.put(self.tally, key, self.tally.get(key, Tally(*key)).plus(**more))
        if key in self.spent:
            self._undo.put(self.spent, key, self.spent[key].plus(**more))

    def claim_name(self, names: set[tuple[UUID, str]], name: tuple[UUID, str]) -> None:
        """A natural key (slug or handle) is taken from now on."""
        self._undo.include(names, name)

    def free_name(self, names: set[tuple[UUID, str]], name: tuple[UUID, str]) -> None:
        """Others may take the natural key from now on."""
        self._undo.exclude(names, name)

    def cause(self) -> Cause:
        if self._cause is None:
            raise RuntimeError("the board changes only within caused_by()")
        return self._cause

    def _append(self, kind: str, entity: Own, data: dict[str, Any]) -> None:
        cause = self.cause()
        actor = cause.actor_id and self.workers.get((cause.tenant_id, cause.actor_id))
        event = Event(
            tenant_id=entity.tenant_id,
            entity_type=type(entity).__name__.lower(),
            entity_id=entity.id,
            seq=entity.version,
            kind=kind,
            actor_id=cause.actor_id,
            actor_name=actor.name if actor else None,
            title=entity.title if isinstance(entity, Task) else entity.name,
            job_id=cause.job_id,
            data=data,
            at=self.now,
        )
        self._undo.push(self.events, event)

    def _set(self, entity: Own, new: dict[str, Any]) -> None:
        change = self.changes.get(_identity(entity))
        if change is None:
            change = Change(entity, entity.version)
            self._undo.put(self.changes, _identity(entity), change)
        added = new.keys() - change.columns
        old = {name: getattr(entity, name) for name in new}
        change.columns.update(added)
        _assign(entity, new)
        self._undo.add(lambda: change.columns.difference_update(added))
        self._undo.add(lambda: _assign(entity, old))

    def place(self, task: Task, before: Key | None = None) -> None:
        """The task stands under its parent, and not where it was `before`."""
        old, new = self.parents.get(task.key, before), _parent(task)
        self._undo.put(self.parents, task.key, new)
        if old is not None:
            self._undo.part(self.children, old, task.key)
        if new is None:
            return
        self._undo.join(self.children, new, task.key)
        above: Key | None = new
        height = self.heights.get(task.key, 0)
        while above is not None:
            height += 1
            if self.heights.get(above, height) < height:
                self._undo.put(self.heights, above, height)
            above = self.parents.get(above)

    def _hold(self, lease: Lease, difference: int) -> None:
        holder = (lease.tenant_id, lease.holder_id)
        self._undo.put(self.held, holder, self.held.get(holder, 0) + difference)
        project = (lease.tenant_id, self.tasks[lease.key].project_id)
        if project in self.leased:
            self._undo.put(self.leased, project, self.leased[project] + difference)

    def _table(self, entity: Own) -> dict[Key, Any]:
        match entity:
            case Project():
                return self.projects
            case Worker():
                return self.workers
            case Task():
                return self.tasks


def _identity(entity: Own) -> tuple[type[Own], UUID, UUID]:
    return type(entity), entity.tenant_id, entity.id


def _known(table: dict[Key, Value], key: Key) -> Value:
    """Raises KinUnknown: an earlier job of the batch made it kin, when all was read already."""
    if key not in table:
        raise KinUnknown(f"task {key[1]} has become kin since the batch was read")
    return table[key]


def _parent(task: Task) -> Key | None:
    return None if task.parent_id is None else (task.tenant_id, task.parent_id)


def _assign(entity: Own, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(entity, name, value)
