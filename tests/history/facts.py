"""What is known when all is over: the history, and what the database holds. Nothing is judged here.

Ids are text, times seconds since the epoch by the database's clock.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from tests.history.recording import History
from tests.history.replay import Moment, replay

Key = tuple[str, str]
"""Tenant and id."""
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Violation:
    """`invariant`: I1 to I16, or `verify`. `subject`: whom it concerns, tenant first."""

    invariant: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row of `taskrail.job`."""

    tenant: str
    id: str
    kind: str
    status: str
    events: int
    envelope: dict[str, Any]
    outcome: dict[str, Any] | None
    accepted_at: float
    settled_at: float | None

    @property
    def key(self) -> Key:
        return self.tenant, self.id

    @property
    def payload(self) -> dict[str, Any]:
        return dict(self.envelope.get("payload") or {})


@dataclass(frozen=True, slots=True)
class Event:
    """One row of `taskrail.event`."""

    tenant: str
    entity: str
    seq: int
    entity_type: str
    kind: str
    job: str
    data: dict[str, Any]
    at: float

    @property
    def key(self) -> Key:
        return self.tenant, self.entity


@dataclass(frozen=True, slots=True)
class Row:
    """A project, worker or task as its table has it; a project's counters include the tally."""

    tenant: str
    id: str
    entity_type: str
    version: int
    columns: dict[str, Any]

    @property
    def key(self) -> Key:
        return self.tenant, self.id


@dataclass(frozen=True, slots=True)
class Edge:
    """One row of `taskrail.dependency`."""

    tenant: str
    task: str
    blocker: str
    on_failure: str


@dataclass(frozen=True)
class Facts:
    """`events` come by entity and seq.

    `leases`: holder and token by task. `sightings`: a declared tenant, and one whose rows were seen
    then in the worker's role. `residue`: what is left over in the database server.
    """

    history: History = field(default_factory=History)
    ledger: list[LedgerRow] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    leases: dict[Key, tuple[str, int]] = field(default_factory=dict)
    outbox: set[tuple[str, str, int]] = field(default_factory=set)
    comments: dict[Key, int] = field(default_factory=dict)
    members: set[tuple[str, str, str]] = field(default_factory=set)
    sightings: list[Key] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)

    @cached_property
    def jobs(self) -> dict[Key, list[LedgerRow]]:
        return _grouped((row.key, row) for row in self.ledger)

    @cached_property
    def entities(self) -> dict[Key, Row]:
        return {row.key: row for row in self.rows}

    @cached_property
    def told(self) -> dict[Key, list[Event]]:
        """The events of each entity."""
        return _grouped((event.key, event) for event in self.events)

    @cached_property
    def caused(self) -> dict[Key, list[Event]]:
        """The events of each job."""
        return _grouped(((event.tenant, event.job), event) for event in self.events)

    @cached_property
    def lives(self) -> dict[Key, list[Moment]]:
        """What each task was, version by version."""
        tasks = {key: told for key, told in self.told.items() if told[0].entity_type == "task"}
        return {key: replay(told) for key, told in tasks.items()}

    @cached_property
    def lost(self) -> dict[str, int]:
        """Jobs that stood in Redis when it forgot everything, and when it did so last."""
        return {job: fault.healed_ns for fault in self.history.faults for job in fault.lost}

    def job(self, key: Key) -> LedgerRow | None:
        return next(iter(self.jobs.get(key, ())), None)


def _grouped(pairs: Iterable[tuple[Key, ItemT]]) -> dict[Key, list[ItemT]]:
    groups: dict[Key, list[ItemT]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return dict(groups)
