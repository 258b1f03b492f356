"""What was accepted is there, whole, ends once, and is answered with one voice."""

from collections import Counter
from collections.abc import Iterator

from tests.history.facts import Facts, Key, Violation
from tests.history.recording import Operation, content_hash, outcome_hash

PROMISING = frozenset({"record", "enqueue"})


def i01(facts: Facts) -> Iterator[Violation]:
    """Accepted is durable: the ledger has the job, with the content that was sent.

    A job that was only enqueued is as durable as its Redis: what stood in the queue when that
    forgot everything may be gone.
    """
    for operation in _calls(facts, "ok"):
        for job, sent in operation.jobs.items():
            row = facts.job((operation.tenant, job))
            if row is None and not _may_be_gone(facts, operation, job):
                yield Violation("I1", f"{operation.tenant}/{job}", f"{operation.op} was lost")
            elif row is not None and content_hash(row.envelope) != sent:
                yield Violation("I1", f"{operation.tenant}/{job}", "another content is kept")


def i02(facts: Facts) -> Iterator[Violation]:
    """Decided once: one row a job, settled, with the outcome that its status says."""
    for (tenant, job), rows in facts.jobs.items():
        for complaint in _complaints([(row.status, row.outcome) for row in rows]):
            yield Violation("I2", f"{tenant}/{job}", complaint)


def i10(facts: Facts) -> Iterator[Violation]:
    """A call whose answer was lost has happened as a whole, or not at all.

    A job that another call has sent, too, says nothing of this one.
    """
    calls = _calls_naming(facts)
    for operation in _calls(facts, "info"):
        certain = [
            (operation.tenant, job)
            for job in operation.jobs
            if calls[operation.tenant, job] == 1 and not _may_be_gone(facts, operation, job)
        ]
        there = [key for key in certain if key in facts.jobs]
        if 0 < len(there) < len(certain):
            yield Violation(
                "I10",
                operation.tenant,
                f"{len(there)} of {len(certain)} jobs of one call are there",
            )


def i12(facts: Facts) -> Iterator[Violation]:
    """Whoever asks gets the first outcome; another content under the same id changes nothing."""
    for operation in facts.history.operations:
        if operation.op == "outcome" and operation.result == "ok":
            yield from _different_answers(facts, operation)
        elif operation.op == "conflict":
            yield from _effects_of_conflict(facts, operation)


def _calls(facts: Facts, result: str) -> Iterator[Operation]:
    """Those that promise something."""
    for operation in facts.history.operations:
        if operation.op in PROMISING and operation.result == result:
            yield operation


def _may_be_gone(facts: Facts, operation: Operation, job: str) -> bool:
    return operation.op == "enqueue" and facts.lost.get(job, -1) >= operation.invoked_ns


def _calls_naming(facts: Facts) -> Counter[Key]:
    """How many calls may have brought each job; one that has failed did not."""
    return Counter(
        (operation.tenant, job)
        for result in ("ok", "info")
        for operation in _calls(facts, result)
        for job in operation.jobs
    )


def _complaints(rows: list[tuple[str, dict[str, object] | None]]) -> Iterator[str]:
    if len(rows) > 1:
        yield f"{len(rows)} rows in the ledger"
    for status, outcome in rows:
        if status == "accepted":
            yield "was accepted and never decided"
        elif outcome is None or outcome.get("status") != status:
            yield f"{status}, but its outcome says otherwise"


def _different_answers(facts: Facts, operation: Operation) -> Iterator[Violation]:
    told = operation.value
    for job in operation.jobs:
        row = facts.job((operation.tenant, job))
        if row is None or row.outcome is None:
            said = f"its producer was told {told['status']}, the ledger has no outcome"
            yield Violation("I12", f"{operation.tenant}/{job}", said)
        elif told["hash"] != outcome_hash(row.outcome):
            said = f"its producer was told {told['status']} otherwise"
            yield Violation("I12", f"{operation.tenant}/{job}", said)


def _effects_of_conflict(facts: Facts, operation: Operation) -> Iterator[Violation]:
    for job, sent in operation.jobs.items():
        row = facts.job((operation.tenant, job))
        if operation.result == "ok" or (row is not None and content_hash(row.envelope) == sent):
            yield Violation("I12", f"{operation.tenant}/{job}", "the second content was accepted")
