"""Each invariant finds what violates it, and nothing where all is well."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.history.checker import judge
from tests.history.facts import Edge, Event, Facts, Row
from tests.history.recording import Fault, History, Operation
from tests.history.sound import (
    AGENT,
    OTHER,
    OWNER,
    PROJECT,
    STEPS,
    TASK,
    TENANT,
    answered,
    job,
    sound,
    too_late,
    with_event,
    with_job,
    with_operation,
    with_row,
)

Break = Callable[[Facts], Facts]
LAST = len(STEPS)
FIRST, SECOND, NEVER = (f"{TENANT}:{TASK}:{seq}" for seq in (1, 2, 99))
DRAIN = {"seconds": 60.0, "at": 80.0}


def _without_job(name: str) -> Break:
    return lambda facts: replace(facts, ledger=[row for row in facts.ledger if row.id != name])


def _without_event(seq: int) -> Break:
    return lambda facts: with_event(facts, seq, lambda _: [])


def _event(seq: int, **changes: Any) -> Break:
    return lambda facts: with_event(facts, seq, lambda event: [replace(event, **changes)])


def _data(seq: int, **data: Any) -> Break:
    def changed(event: Event) -> list[Event]:
        return [replace(event, data=event.data | data)]

    return lambda facts: with_event(facts, seq, changed)


def _twice(seq: int) -> Break:
    return lambda facts: with_event(facts, seq, lambda event: [event, event])


def _job(name: str, **changes: Any) -> Break:
    return lambda facts: with_job(facts, name, **changes)


def _envelope(name: str, **changes: Any) -> Break:
    def changed(facts: Facts) -> Facts:
        row = next(row for row in facts.ledger if row.id == name)
        return with_job(facts, name, envelope=row.envelope | changes)

    return changed


def _payload(name: str, **changes: Any) -> Break:
    def changed(facts: Facts) -> Facts:
        row = next(row for row in facts.ledger if row.id == name)
        return _envelope(name, payload=row.payload | changes)(facts)

    return changed


def _row(entity: str, **columns: Any) -> Break:
    return lambda facts: with_row(facts, entity, **columns)


def _rows(*tasks: Row) -> Break:
    """These are the tasks."""
    return lambda facts: replace(
        facts, rows=[*(row for row in facts.rows if row.entity_type != "task"), *tasks]
    )


def _late(code: str, **observed: Any) -> Break:
    refused = too_late(code, **observed)
    return lambda facts: with_job(facts, "late", outcome=refused.outcome)


def _happened(op: str, result: Any = "ok", jobs: tuple[str, ...] = (), value: Any = None) -> Break:
    sent = dict.fromkeys(jobs, "hash")
    operation = Operation("one", op, result, 5, 6, TENANT, sent, value)
    return lambda facts: with_operation(facts, operation)


def _changed(**changes: Any) -> Break:
    return lambda facts: replace(facts, **changes)


def _half_a_call(facts: Facts) -> Facts:
    """Its answer was lost, one of its two jobs has come."""
    came = replace(facts, ledger=[*facts.ledger, job("half", "task.create", {}, 30.0)])
    return _happened("record", "info", ("half", "other-half"))(came)


def _torn_call(facts: Facts) -> Facts:
    """One job came by another call, too; of the others one has come, and one has not."""
    torn = _happened("record", "info", ("job-2", "half", "other-half"))(facts)
    came = job("half", "task.create", {}, 30.0)
    return replace(torn, ledger=[*facts.ledger, came])


def _nothing_for_long(facts: Facts) -> Facts:
    history = History(facts.history.operations, [Fault("redis_killed", "", 0, 1, 15.0, 16.0)])
    return with_job(replace(facts, history=history), "late", settled_at=60.0)


def _flushed_between(facts: Facts) -> Facts:
    flush = Fault("redis_flushed", "", 0, 1, 15.0, 16.0, published=[SECOND])
    history = History(facts.history.operations, [*facts.history.faults, flush])
    return _happened("published", value=[FIRST])(replace(facts, history=history))


def _expected_version_was_right(facts: Facts) -> Facts:
    return _payload("late", expected_version=LAST)(_late("version_conflict")(facts))


def _told_otherwise(facts: Facts) -> Facts:
    row = facts.ledger[0]
    other = replace(row, outcome={"job_id": row.id, "status": "applied", "result": {"other": 1}})
    return with_operation(facts, answered(other))


def _told_of_nothing(facts: Facts) -> Facts:
    unknown = job("unknown", "task.comment", {}, 5.0)
    return with_operation(facts, answered(unknown))


def _asked_by_other(facts: Facts) -> Facts:
    return with_operation(facts, Operation("one", "ephemeral", "ok", 5, 6, OTHER, {"job-2": "h"}))


BROKEN: list[tuple[str, str, Break]] = [
    ("I1", "a recorded job is gone", _without_job("late")),
    ("I1", "an acknowledged job never came", _happened("enqueue", jobs=("never",))),
    ("I1", "another content is kept", _payload("late", lease_seconds=7)),
    ("I2", "a job stays accepted", _job("late", status="accepted", outcome=None)),
    ("I2", "two rows for one id", lambda f: replace(f, ledger=[*f.ledger, f.ledger[-1]])),
    ("I2", "the outcome is another's", _job("late", status="buried")),
    ("I3", "a job is applied twice", _twice(3)),
    ("I3", "the effect is missing", _without_event(LAST)),
    ("I3", "a rejected job has an effect", _job("job-2", status="rejected")),
    ("I3", "an applied job has none", _job("late", status="applied")),
    ("I3", "an event is nobody's", _event(3, job="unknown")),
    ("I4", "an illegal step", _data(2, status="review")),
    ("I4", "it does not begin as pending", _data(1, status="blocked")),
    ("I4", "the row is elsewhere", _row(TASK, status="pending")),
    ("I5", "a gap", _without_event(3)),
    ("I5", "a number twice", _twice(3)),
    ("I5", "the version is another", _rows(Row(TENANT, TASK, "task", 9, {"status": "completed"}))),
    ("I5", "events without a row", _rows()),
    ("I5", "a row without events", _rows(Row(TENANT, "other", "task", 1, {}))),
    ("I6", "a column was overwritten", _row(TASK, progress=40)),
    ("I6", "a time is another", _row(TASK, completed_at="1970-01-01T00:00:17+00:00")),
    ("I6", "a comment is missing", _changed(comments={})),
    ("I6", "a comment nobody made", _changed(comments={(TENANT, TASK): 2})),
    ("I7", "too many tasks", _row(PROJECT, task_count=2)),
    ("I7", "a completed task was not counted", _row(PROJECT, completed_count=0)),
    ("I7", "attempts that nobody made", _row(PROJECT, used_attempts=1)),
    ("I7", "tokens that were not booked", _row(PROJECT, used_tokens=699)),
    ("I7", "money that nobody spent", _row(PROJECT, used_money_micros=1)),
    ("I7", "seconds that nobody worked", _row(PROJECT, used_wall_seconds=1)),
    ("I7", "a dependency that is met", _row(TASK, unmet_dependencies=1)),
    ("I7", "a dependency that is not", _changed(edges=[Edge(TENANT, TASK, "never-made", "block")])),
    ("I8", "nothing is to be published", _changed(outbox=set())),
    ("I8", "what never happened is published", _happened("published", value=[NEVER])),
    ("I8", "all is drained, and nobody publishes", _happened("drained", value=DRAIN)),
    ("I8", "a later event comes first", _happened("published", value=[SECOND, FIRST])),
    ("I8", "it does so before a flush", _flushed_between),
    ("I9", "the job was another tenant's", _asked_by_other),
    ("I9", "an event in another tenant", _event(3, tenant=OTHER)),
    ("I9", "a reference into nowhere", _row(TASK, assignee_id="stranger")),
    ("I9", "rows of another tenant are seen", _changed(sightings=[(TENANT, OTHER)])),
    ("I10", "half a transaction", _half_a_call),
    ("I10", "a third of one, and one more job by another call", _torn_call),
    ("I11", "claimed twice", _data(3, lease={"holder_id": OWNER, "token": 2})),
    ("I11", "a token comes again", _data(2, lease={"holder_id": AGENT, "token": 0})),
    ("I11", "an old token is obeyed", _payload("job-4", token=7)),
    ("I11", "another one reports", _envelope("job-4", actor_id=OWNER)),
    ("I11", "the lease outlives its end", _changed(leases={(TENANT, TASK): (AGENT, 1)})),
    ("I12", "told otherwise", _told_otherwise),
    ("I12", "told of what the ledger does not have", _told_of_nothing),
    ("I12", "told while it is not decided", _job("job-2", status="accepted", outcome=None)),
    ("I12", "a second content is accepted", _happened("conflict", jobs=("late",))),
    ("I13", "it was not so", _late("illegal_transition", status="pending")),
    ("I13", "no such version", _late("illegal_transition", version=99)),
    ("I13", "it was legal", _late("illegal_transition", status="pending", version=1)),
    ("I13", "the token was right", _late("lease_lost")),
    ("I13", "nobody else had it", _late("leased_to_other")),
    ("I13", "it was allowed", _late("not_allowed")),
    ("I13", "it was there", _late("not_found", status=None, version=None)),
    ("I13", "he is a member", _late("not_a_member", status=None, version=None)),
    ("I13", "it was the first", _late("already_exists", status=None, version=None)),
    ("I13", "the version was as expected", _expected_version_was_right),
    ("I13", "it had time", _late("expired", status=None, version=None)),
    ("I13", "nothing was unmet", _late("dependencies_unmet")),
    ("I13", "a code that the load cannot earn", _late("invalid")),
    ("I14", "nothing for long", _nothing_for_long),
    ("I14", "not drained", _happened("drained", "fail", value=DRAIN)),
    ("I15", "settled before its predecessor", _job("late", settled_at=9.0)),
    ("I15", "its effect comes before that of", _envelope("job-1", after=["job-3"])),
    ("I16", "a transaction is left", _changed(residue=["idle in transaction"])),
    ("I16", "a key is left", _happened("residue", value=["arq:in-progress:x"])),
]  # fmt: skip


def test_where_all_is_well_nothing_is_found() -> None:
    assert judge(sound()) == []


@pytest.mark.parametrize(
    ("invariant", "break_"),
    [pytest.param(name, break_, id=f"{name} {said}") for name, said, break_ in BROKEN],
)
def test_an_invariant_finds_what_violates_it(invariant: str, break_: Break) -> None:
    facts = break_(sound())

    found = {violation.invariant for violation in judge(facts)}

    assert invariant in found


def test_where_workers_start_slowly_recovery_may_take_longer() -> None:
    facts = _happened("ready", value=40.0)(_nothing_for_long(sound()))

    assert "I14" not in {violation.invariant for violation in judge(facts)}


def test_what_was_published_may_come_again_at_any_time() -> None:
    facts = _happened("published", value=[FIRST, SECOND, FIRST])(sound())

    assert judge(facts) == []


def test_no_invariant_is_without_a_test() -> None:
    assert {name for name, _, _ in BROKEN} == {f"I{number}" for number in range(1, 17)}
