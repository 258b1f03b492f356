"""What is derived equals what it is derived from: counters, and what is published."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.history.facts import Edge, Facts, Key, Violation
from tests.history.replay import SNAPSHOT_SECONDS

ENDED_BADLY = frozenset({"failed", "cancelled"})


def i07(facts: Facts) -> Iterator[Violation]:
    """Every counter equals a recount of the events."""
    counted = _recounted(facts)
    for row in facts.rows:
        for name, number in row.columns.items():
            if (row.entity_type, name) in _COUNTERS and number != counted[*row.key, name]:
                said = f"{name} is {number}, its events make it {counted[*row.key, name]}"
                yield Violation("I7", "/".join(row.key), said)


_USED = ("attempts", "tokens", "money_micros", "wall_seconds")
_COUNTERS = {
    ("project", "task_count"),
    ("project", "completed_count"),
    *(("project", f"used_{what}") for what in _USED),
    ("task", "unmet_dependencies"),
}


def i08(facts: Facts) -> Iterator[Violation]:
    """Every event is published when all is drained, until then in the outbox; and nothing else.

    Those of an entity come in order, the first time that each of them comes.
    """
    events = {(event.tenant, event.entity, event.seq): event.at for event in facts.events}
    told = _published(facts)
    published = set(told)
    for tenant, entity, seq in events.keys() - facts.outbox - published:
        yield Violation("I8", f"{tenant}/{entity}", f"event {seq} was never to be published")
    for tenant, entity, seq in (facts.outbox | published) - events.keys():
        yield Violation("I8", f"{tenant}/{entity}", f"event {seq} is published, and never was")
    drained_at = _drained_at(facts)
    for tenant, entity, seq in facts.outbox & events.keys():
        if events[tenant, entity, seq] < drained_at - SNAPSHOT_SECONDS:
            yield Violation("I8", f"{tenant}/{entity}", f"event {seq} is still to be published")
    yield from _out_of_order(told)


def _recounted(facts: Facts) -> Counter[tuple[str, str, str]]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for (tenant, task), life in facts.lives.items():
        columns: dict[str, object] = {}
        for event in facts.told[tenant, task]:
            columns |= event.data
        project = str(columns.get("project_id"))
        counted[tenant, project, "task_count"] += not life[-1].is_deleted
        is_done = life[-1].status == "completed" and not life[-1].is_deleted
        counted[tenant, project, "completed_count"] += is_done
        usage = columns.get("usage")
        if isinstance(usage, dict):
            for what in _USED:
                counted[tenant, project, f"used_{what}"] += usage.get(what, 0)
    for edge in facts.edges:
        counted[edge.tenant, edge.task, "unmet_dependencies"] += not _is_met(facts, edge)
    return counted


def _is_met(facts: Facts, edge: Edge) -> bool:
    life = facts.lives.get((edge.tenant, edge.blocker))
    if life is None:
        return False
    is_out_of_the_way = life[-1].is_deleted or life[-1].status == "completed"
    return is_out_of_the_way or (edge.on_failure == "ignore" and life[-1].status in ENDED_BADLY)


def _drained_at(facts: Facts) -> float:
    """Until when everything had time to be published; later ones may find no relay any more."""
    operations = facts.history.operations
    return max((one.value["at"] for one in operations if one.op == "drained"), default=0.0)


def _published(facts: Facts) -> list[tuple[str, str, int]]:
    """What came out of the streams, in order: what each flush took, and what was there at last."""
    taken = [fault.published for fault in facts.history.faults]
    seen = [one.value for one in facts.history.operations if one.op == "published"]
    return [_event(name) for names in (*taken, *seen) for name in names]


def _out_of_order(told: list[tuple[str, str, int]]) -> Iterator[Violation]:
    """An event that comes again may do so at any time."""
    come: defaultdict[Key, set[int]] = defaultdict(set)
    for tenant, entity, seq in told:
        earlier = come[tenant, entity]
        if seq not in earlier and seq < max(earlier, default=0):
            said = f"event {seq} came for the first time after event {max(earlier)}"
            yield Violation("I8", f"{tenant}/{entity}", said)
        earlier.add(seq)


def _event(name: str) -> tuple[str, str, int]:
    tenant, entity, seq = name.split(":")
    return tenant, entity, int(seq)
