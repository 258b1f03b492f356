"""Nobody acts where he may not: not in another's tenant, not on a lease that he has lost."""

from collections.abc import Iterator

from tests.history.facts import Event, Facts, Key, LedgerRow, Violation
from tests.history.replay import Moment

REFERENCES = ("project_id", "parent_id", "assignee_id", "created_by_id", "submitted_by_id")
HOLDERS = frozenset(
    {
        "task.progress", "task.report_usage", "task.submit", "task.complete", "task.fail",
        "task.release", "task.block", "task.request_input", "lease.expire",
    }
)  # fmt: skip
"""What only the holder may do to a leased task, with the token of the lease."""


def i09(facts: Facts) -> Iterator[Violation]:
    """A job, its ledger row, its events, and all rows that these name, are of one tenant."""
    asked = _asked(facts)
    for row in facts.ledger:
        if asked.get(row.id, row.tenant) != row.tenant:
            yield _strays(row.key, f"the ledger has it, and {asked[row.id]} asked for it")
    for event in facts.events:
        if asked.get(event.job, event.tenant) != event.tenant:
            yield _strays(event.key, f"event {event.seq} is by a job of {asked[event.job]}")
        elif event.key not in facts.entities:
            yield _strays(event.key, f"event {event.seq} is about nothing of this tenant")
    yield from _strange_references(facts)
    for declared, seen in facts.sightings:
        if declared != seen:
            yield _strays((declared, seen), "the worker's role sees another tenant's rows")


def i11(facts: Facts) -> Iterator[Violation]:
    """Tokens of a task only grow, none is granted while one is held, and no old one is obeyed."""
    for key, life in facts.lives.items():
        highest, before = 0, Moment(0, 0.0)
        for moment, event in zip(life, facts.told[key], strict=True):
            for complaint in _complaints(facts, event, before, moment, highest):
                yield Violation("I11", "/".join(key), f"event {event.seq}: {complaint}")
            highest, before = max(highest, moment.token or 0), moment
        lease = (before.holder, before.token)
        if facts.leases.get(key, (None, None)) != lease:
            yield Violation("I11", "/".join(key), f"by its events the lease is {lease}")


def _asked(facts: Facts) -> dict[str, str]:
    """Whose job it is: as the client sent it, whatever the ledger says."""
    return {
        job: operation.tenant
        for operation in facts.history.operations
        if operation.op in {"record", "enqueue", "ephemeral"}
        for job in operation.jobs
    }


def _strays(key: Key, said: str) -> Violation:
    return Violation("I9", "/".join(key), said)


def _strange_references(facts: Facts) -> Iterator[Violation]:
    for row in facts.rows:
        named = [(name, row.columns.get(name)) for name in REFERENCES]
        for name, other in named:
            if other is not None and (row.tenant, other) not in facts.entities:
                yield _strays(row.key, f"its {name} is not of this tenant")


def _complaints(
    facts: Facts, event: Event, before: Moment, after: Moment, highest: int
) -> Iterator[str]:
    if event.kind == "task.claimed":
        if before.token is not None:
            yield f"claimed while {before.holder} held it"
        if (after.token or 0) <= highest:
            yield f"token {after.token} after {highest}"
    job = facts.job((event.tenant, event.job))
    if job is not None and before.token is not None and _is_a_holders(job, event):
        token, actor = job.payload.get("token"), job.envelope.get("actor_id")
        if token != before.token or actor not in {before.holder, None}:
            yield f"{job.kind} of {actor} with token {token} on the lease {before.token}"


def _is_a_holders(job: LedgerRow, event: Event) -> bool:
    """Only where the job is about this task: it may have cancelled others on the way."""
    is_forced = bool(job.payload.get("force"))
    return job.kind in HOLDERS and job.payload.get("task_id") == event.entity and not is_forced
