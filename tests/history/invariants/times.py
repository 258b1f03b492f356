"""What becomes of time: work goes on soon, in the order that was asked for, and leaves nothing."""

from bisect import bisect_right
from collections.abc import Iterator
from math import inf

from tests.history.facts import Event, Facts, LedgerRow, Violation

RECOVERY_SECONDS = 20.0
"""A worker's hold, its longest backoff; and all may have to be started first."""


def i14(facts: Facts) -> Iterator[Violation]:
    """After each heal the next decision is made soon, and after the last all is drained.

    As soon as workers can start and decide on this machine, with what else it has to do.
    """
    ready = [one.value for one in facts.history.operations if one.op == "ready"]
    for seconds, fault in recoveries(facts):
        if seconds > RECOVERY_SECONDS + max(ready, default=0.0):
            yield Violation("I14", fault, f"nothing was decided for {seconds:.1f} s after its heal")
    for operation in facts.history.operations:
        if operation.op == "drained" and operation.result != "ok":
            seconds = operation.value["seconds"]
            yield Violation("I14", "drain", f"not drained after {seconds:.0f} s")


def recoveries(facts: Facts) -> list[tuple[float, str]]:
    """Seconds from the last heal in a pause between two decisions to the second, with its fault."""
    settled = sorted(row.settled_at for row in facts.ledger if row.settled_at is not None)
    last: dict[int, tuple[float, str]] = {}
    for fault in sorted(facts.history.faults, key=lambda fault: fault.healed_at):
        place = bisect_right(settled, fault.healed_at)
        if 0 < place < len(settled):
            last[place] = (settled[place] - fault.healed_at, fault.kind)
    return list(last.values())


def i15(facts: Facts) -> Iterator[Violation]:
    """A job that names another in `after` is settled later; on one entity, with later events."""
    for row in facts.ledger:
        for earlier in _awaited(facts, row):
            if (earlier.settled_at or inf) > (row.settled_at or inf):
                yield Violation("I15", "/".join(row.key), f"was settled before {earlier.id}")
            mine, its = facts.caused.get(row.key, []), facts.caused.get(earlier.key, [])
            if _overtakes(mine, its):
                yield Violation("I15", "/".join(row.key), f"has taken effect before {earlier.id}")


def i16(facts: Facts) -> Iterator[Violation]:
    """When all have ended, no transaction, lock, process or key without an end is left over."""
    for left in facts.residue:
        yield Violation("I16", "postgres", left)
    for operation in facts.history.operations:
        if operation.op == "residue":
            for left in operation.value:
                yield Violation("I16", operation.process, left)


def _awaited(facts: Facts, row: LedgerRow) -> Iterator[LedgerRow]:
    """Whom the job named and did not give up waiting for."""
    if row.outcome is None or row.outcome.get("code") == "expired":
        return
    for one in row.envelope.get("after") or ():
        earlier = facts.job((row.tenant, str(one)))
        if earlier is not None:
            yield earlier


def _overtakes(mine: list[Event], its: list[Event]) -> bool:
    theirs = {event.key: event.seq for event in its}
    return any(event.seq < theirs.get(event.key, 0) for event in mine)
