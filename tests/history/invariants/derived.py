"""What is derived equals what it is derived from: counters, and what is to be published."""

from collections import Counter
from collections.abc import Iterator

from tests.history.facts import Edge, Facts, Violation

ENDED_BADLY = frozenset({"failed", "cancelled"})


def i07(facts: Facts) -> Iterator[Violation]:
    """Every counter equals a recount of the events."""
    counted = _recounted(facts)
    for row in facts.rows:
        for name, number in row.columns.items():
            if (row.entity_type, name) in _COUNTERS and number != counted[*row.key, name]:
                said = f"{name} is {number}, its events make it {counted[*row.key, name]}"
                yield Violation("I7", "/".join(row.key), said)


_COUNTERS = {
    ("project", "task_count"),
    ("project", "completed_count"),
    ("project", "used_attempts"),
    ("task", "unmet_dependencies"),
}


def i08(facts: Facts) -> Iterator[Violation]:
    """Every event is in the outbox or was published, and nothing else is."""
    events = {(event.tenant, event.entity, event.seq) for event in facts.events}
    published = _published(facts)
    for tenant, entity, seq in events - facts.outbox - published:
        yield Violation("I8", f"{tenant}/{entity}", f"event {seq} was never to be published")
    for tenant, entity, seq in (facts.outbox | published) - events:
        yield Violation("I8", f"{tenant}/{entity}", f"event {seq} is published, and never was")


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
            counted[tenant, project, "used_attempts"] += usage.get("attempts", 0)
    for edge in facts.edges:
        counted[edge.tenant, edge.task, "unmet_dependencies"] += not _is_met(facts, edge)
    return counted


def _is_met(facts: Facts, edge: Edge) -> bool:
    life = facts.lives.get((edge.tenant, edge.blocker))
    if life is None:
        return False
    is_out_of_the_way = life[-1].is_deleted or life[-1].status == "completed"
    return is_out_of_the_way or (edge.on_failure == "ignore" and life[-1].status in ENDED_BADLY)


def _published(facts: Facts) -> set[tuple[str, str, int]]:
    """What was seen in the streams, at the end or before they were flushed."""
    seen = [one.value for one in facts.history.operations if one.op == "published"]
    before = [fault.published for fault in facts.history.faults]
    return {_event(name) for names in (*seen, *before) for name in names}


def _event(name: str) -> tuple[str, str, int]:
    tenant, entity, seq = name.split(":")
    return tenant, entity, int(seq)
