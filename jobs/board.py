"""The board: what a batch knows (identity map) and what it changes (change log).

Rules change entities only through it; a job that is refused leaves no trace on it. It does no I/O
and knows no clock but `now`, the database's time, read after the last lock.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.entities import (
    Comment,
    Event,
    Key,
    Lease,
    Member,
    Project,
    Task,
    Tenant,
    Worker,
)

Own = Project | Worker | Task
"""Entities with a history of their own."""

DERIVED = frozenset({"unmet_dependencies", "last_seen_at"})
"""Columns that change without event and version."""
HEADER = frozenset({"tenant_id", "version", "created_at", "updated_at"})
"""Columns that the event row states itself."""


@dataclass(slots=True)
class Change:
    """How an entity differs from its row; `base_version` is the row's, None where there is none."""

    entity: Own
    base_version: int | None
    columns: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Cause:
    """The job that is being applied: every event names it."""

    tenant_id: UUID
    job_id: UUID
    actor_id: UUID | None


@dataclass(slots=True)
class Board:
    """All rows a batch may see, and everything it has done to them so far."""

    now: datetime
    tenants: dict[UUID, Tenant] = field(default_factory=dict)
    projects: dict[Key, Project] = field(default_factory=dict)
    workers: dict[Key, Worker] = field(default_factory=dict)
    members: dict[tuple[UUID, UUID, UUID], Member] = field(default_factory=dict)
    tasks: dict[Key, Task] = field(default_factory=dict)
    leases: dict[Key, Lease] = field(default_factory=dict)
    comments: dict[Key, Comment] = field(default_factory=dict)
    slugs: set[tuple[UUID, str]] = field(default_factory=set)
    handles: set[tuple[UUID, str]] = field(default_factory=set)
    depths: dict[Key, int] = field(default_factory=dict)
    children: dict[Key, set[Key]] = field(default_factory=dict)
    held: dict[Key, int] = field(default_factory=dict)
    candidates: dict[Key, list[Key]] = field(default_factory=dict)

    changes: dict[tuple[type[Own], UUID, UUID], Change] = field(default_factory=dict)
    lease_changes: dict[Key, Lease | None] = field(default_factory=dict)
    new_members: list[Member] = field(default_factory=list)
    new_comments: list[Comment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tally: dict[Key, tuple[int, int]] = field(default_factory=dict)

    _cause: Cause | None = None
    _undo: list[Callable[[], object]] = field(default_factory=list)

    @contextmanager
    def caused_by(self, cause: Cause) -> Iterator[None]:
        """Events of this block are the job's; if it raises, nothing of the block remains."""
        self._cause = cause
        try:
            yield
        except BaseException:
            while self._undo:
                self._undo.pop()()
            raise
        finally:
            self._cause = None
            self._undo.clear()

    def create(self, kind: str, entity: Own, **parts: Any) -> None:
        """`entity` is new; its first event carries all of its own columns."""
        table: dict[Key, Any] = self._table(entity)
        self._put(table, entity.key, entity)
        self._put(self.changes, _identity(entity), Change(entity, None))
        if isinstance(entity, Task):
            self._place_in_tree(entity)
        self._append(kind, entity, _own_columns(entity) | parts)

    def record(
        self, kind: str, entity: Own, *, parts: dict[str, Any] | None = None, **new: Any
    ) -> None:
        """Changes own columns of `entity`, raises its version and appends the event, in one go.

        `parts` (lease, member, comment, note) stand in the event only: their rows are changed by
        the methods below.
        """
        self._set(entity, new | {"updated_at": self.now})
        self._append(kind, entity, new | (parts or {}))

    def derive(self, entity: Own, **new: Any) -> None:
        """Changes derived columns: no event, no version."""
        if not DERIVED.issuperset(new):
            raise ValueError(f"not derived: {sorted(set(new) - DERIVED)}")
        self._set(entity, new)

    def add_member(self, member: Member) -> None:
        self._put(self.members, member.key, member)
        self._push(self.new_members, member)

    def add_comment(self, comment: Comment) -> None:
        self._push(self.new_comments, comment)
        self._put(self.comments, comment.key, comment)

    def put_lease(self, lease: Lease) -> None:
        """The task is leased from now on, or its lease is renewed."""
        if lease.key not in self.leases:
            self._hold((lease.tenant_id, lease.holder_id), 1)
        self._put(self.leases, lease.key, lease)
        self._put(self.lease_changes, lease.key, lease)

    def end_lease(self, task: Task) -> Lease | None:
        """The task is not leased any more; returns the lease it had."""
        lease = self.leases.get(task.key)
        if lease is not None:
            self._hold((lease.tenant_id, lease.holder_id), -1)
            self._drop(self.leases, task.key)
            self._put(self.lease_changes, task.key, None)
        return lease

    def count(self, task: Task, *, tasks: int = 0, completed: int = 0) -> None:
        """Adds to the counters of the task's project."""
        key = (task.tenant_id, task.project_id)
        total = self.tally.get(key, (0, 0))
        self._put(self.tally, key, (total[0] + tasks, total[1] + completed))

    def claim_name(self, names: set[tuple[UUID, str]], name: tuple[UUID, str]) -> None:
        """A natural key (slug or handle) is taken from now on."""
        names.add(name)
        self._undo.append(lambda: names.discard(name))

    def cause(self) -> Cause:
        if self._cause is None:
            raise RuntimeError("the board changes only within caused_by()")
        return self._cause

    def _append(self, kind: str, entity: Own, data: dict[str, Any]) -> None:
        cause = self.cause()
        actor = cause.actor_id and self.workers.get((cause.tenant_id, cause.actor_id))
        self._set(entity, {"version": entity.version + 1})
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
        self._push(self.events, event)

    def _set(self, entity: Own, new: dict[str, Any]) -> None:
        change = self.changes.get(_identity(entity))
        if change is None:
            change = Change(entity, entity.version)
            self._put(self.changes, _identity(entity), change)
        added = new.keys() - change.columns
        old = {name: getattr(entity, name) for name in new}
        change.columns.update(added)
        _assign(entity, new)
        self._undo.append(lambda: change.columns.difference_update(added))
        self._undo.append(lambda: _assign(entity, old))

    def _place_in_tree(self, task: Task) -> None:
        if task.parent_id is None:
            self._put(self.depths, task.key, 1)
            return
        parent = (task.tenant_id, task.parent_id)
        self._put(self.depths, task.key, self.depths[parent] + 1)
        if parent not in self.children:
            self._put(self.children, parent, set())
        siblings = self.children[parent]
        siblings.add(task.key)
        self._undo.append(lambda: siblings.discard(task.key))

    def _hold(self, holder: Key, difference: int) -> None:
        self._put(self.held, holder, self.held.get(holder, 0) + difference)

    def _table(self, entity: Own) -> dict[Key, Any]:
        match entity:
            case Project():
                return self.projects
            case Worker():
                return self.workers
            case Task():
                return self.tasks

    def _put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        if key in table:
            old = table[key]
            self._undo.append(lambda: table.__setitem__(key, old))
        else:
            self._undo.append(lambda: table.pop(key, None))
        table[key] = value

    def _drop(self, table: dict[Any, Any], key: Any) -> None:
        old = table.pop(key)
        self._undo.append(lambda: table.__setitem__(key, old))

    def _push(self, rows: list[Any], row: Any) -> None:
        rows.append(row)
        self._undo.append(rows.pop)


def _identity(entity: Own) -> tuple[type[Own], UUID, UUID]:
    return type(entity), entity.tenant_id, entity.id


def _own_columns(entity: Own) -> dict[str, Any]:
    names = (f.name for f in fields(entity))
    return {n: getattr(entity, n) for n in names if n not in HEADER and n not in DERIVED}


def _assign(entity: Own, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(entity, name, value)
