"""A small history in which all is well, for tests that break one thing in it.

One tenant with a project and two workers; one task that is created, claimed, reported on, commented
on and completed, by recorded jobs; one claim that comes too late; and somebody else's tenant.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.history.facts import Event, Facts, LedgerRow, Row
from tests.history.recording import Fault, History, Operation, content_hash, outcome_hash

TENANT, OTHER = "tenant", "other-tenant"
PROJECT, OWNER, AGENT, TASK = "project", "owner", "agent", "task"
STEPS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "task.create", "task.created",
        {"task_id": TASK, "project_id": PROJECT},
        {"status": "pending", "project_id": PROJECT, "progress": 0, "deleted_at": None},
    ),
    (
        "task.claim", "task.claimed",
        {"task_id": TASK},
        {"status": "in_progress", "lease": {"holder_id": AGENT, "token": 1}},
    ),
    ("task.progress", "task.progressed", {"task_id": TASK, "token": 1},
     {"progress": 40, "usage": {"tokens": 700}}),
    ("task.comment", "task.commented", {"task_id": TASK, "comment_id": "comment"},
     {"comment": {"id": "comment"}}),
    (
        "task.complete", "task.completed",
        {"task_id": TASK, "token": 1},
        {"status": "completed", "progress": 100, "lease": None,
         "completed_at": "1970-01-01T00:00:16Z"},
    ),
]  # fmt: skip


def sound() -> Facts:
    """Nothing is wrong."""
    ledger = [*_beginning(), *(_applied(n) for n in range(len(STEPS))), too_late()]
    events = [*_first_events(), *(_told(n) for n in range(len(STEPS)))]
    return Facts(
        history=History(
            [*map(recorded, ledger), *map(answered, ledger)],
            [Fault("worker_killed", "one", 0, 1, 12.1, 12.2)],
        ),
        ledger=ledger,
        events=events,
        rows=[
            _row("project", PROJECT, task_count=1, completed_count=1, used_tokens=700),
            _row("worker", OWNER),
            _row("worker", AGENT),
            _row(
                "task", TASK, len(STEPS), status="completed", progress=100, project_id=PROJECT,
                unmet_dependencies=0, completed_at="1970-01-01T00:00:16+00:00",
            ),
        ],
        outbox={(event.tenant, event.entity, event.seq) for event in events},
        comments={(TENANT, TASK): 1},
        members={(TENANT, PROJECT, OWNER), (TENANT, PROJECT, AGENT)},
        sightings=[(TENANT, TENANT), (OTHER, OTHER)],
    )  # fmt: skip


def too_late(code: str = "illegal_transition", **observed: Any) -> LedgerRow:
    """A claim of the completed task, refused."""
    seen = {"status": "completed", "version": len(STEPS)} | observed
    outcome = {"job_id": "late", "status": "rejected", "code": code, "observed": seen}
    row = job("late", "task.claim", {"task_id": TASK}, 40.0, after=["job-4"])
    return replace(row, status="rejected", events=0, outcome=outcome)


def job(name: str, kind: str, payload: dict[str, Any], at: float, **envelope: Any) -> LedgerRow:
    """An applied job with one event."""
    content = {"id": name, "kind": kind, "actor_id": AGENT, "payload": payload} | envelope
    outcome = {"job_id": name, "status": "applied", "result": {}}
    return LedgerRow(TENANT, name, kind, "applied", 1, content, outcome, at, at)


def recorded(row: LedgerRow) -> Operation:
    """Its producer's transaction was committed."""
    sent = {row.id: content_hash(row.envelope)}
    return Operation("producer", "record", "ok", 1, 2, row.tenant, sent)


def answered(row: LedgerRow) -> Operation:
    """Its producer was told the outcome."""
    told = {"status": row.status, "hash": outcome_hash(row.outcome or {})}
    return Operation("producer", "outcome", "ok", 3, 4, row.tenant, {row.id: ""}, told)


def with_job(facts: Facts, name: str, **changes: Any) -> Facts:
    """The same, but for one row of the ledger."""
    ledger = [replace(row, **changes) if row.id == name else row for row in facts.ledger]
    return replace(facts, ledger=ledger)


def with_event(facts: Facts, seq: int, change: Callable[[Event], list[Event]]) -> Facts:
    """The same, but for one event of the task."""
    changed = [
        other
        for event in facts.events
        for other in (change(event) if (event.entity, event.seq) == (TASK, seq) else [event])
    ]
    return replace(facts, events=changed)


def with_row(facts: Facts, entity: str, **columns: Any) -> Facts:
    """The same, but for columns of one row."""
    rows = [
        replace(row, columns=row.columns | columns) if row.id == entity else row
        for row in facts.rows
    ]
    return replace(facts, rows=rows)


def with_operation(facts: Facts, operation: Operation) -> Facts:
    """The same, and this happened, too."""
    history = facts.history
    return replace(facts, history=History([*history.operations, operation], history.faults))


def _beginning() -> list[LedgerRow]:
    return [
        job("job-owner", "worker.register", {"worker_id": OWNER}, 1.0),
        job("job-agent", "worker.register", {"worker_id": AGENT}, 2.0),
        job("job-project", "project.create", {"project_id": PROJECT}, 3.0),
    ]


def _first_events() -> list[Event]:
    made = (("worker", OWNER, 1.0), ("worker", AGENT, 2.0), ("project", PROJECT, 3.0))
    return [
        Event(TENANT, entity, 1, kind, f"{kind}.made", f"job-{entity}", {}, at)
        for kind, entity, at in made
    ]


def _applied(step: int) -> LedgerRow:
    kind, _, payload, _ = STEPS[step]
    after = [f"job-{step - 1}"] if step else []
    return job(f"job-{step}", kind, payload, 10.0 + step, after=after)


def _told(step: int) -> Event:
    _, kind, _, data = STEPS[step]
    return Event(TENANT, TASK, step + 1, "task", kind, f"job-{step}", dict(data), 10.0 + step)


def _row(entity_type: str, name: str, version: int = 1, **columns: Any) -> Row:
    return Row(TENANT, name, entity_type, version, columns)
