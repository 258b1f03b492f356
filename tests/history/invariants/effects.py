"""The history is whole: each effect once, on legal paths, without gaps; and the rows say it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tests.history.facts import Event, Facts, Row, Violation

LEGAL = {
    None: {"pending"},
    "pending": {"in_progress", "blocked", "completed", "cancelled"},
    "in_progress": {"review", "completed", "blocked", "pending", "failed", "cancelled"},
    "review": {"completed", "in_progress", "pending", "cancelled"},
    "blocked": {"in_progress", "pending", "cancelled"},
    "completed": {"review"},
    "failed": {"pending"},
    "cancelled": {"pending"},
}
"""Written down a second time on purpose: the product's own table may be wrong."""


def i03(facts: Facts) -> Iterator[Violation]:
    """Applied once: a job has as many events as its ledger row says, and only if it was applied."""
    for row in facts.ledger:
        told = len(facts.caused.get(row.key, ()))
        if told != row.events:
            yield _of(row.key, f"{row.status} with {row.events} events, of which there are {told}")
        elif (told > 0) != (row.status == "applied"):
            yield _of(row.key, f"{row.status}, with {told} events")
    for key in facts.caused.keys() - facts.jobs.keys():
        yield _of(key, "has events, and the ledger does not know it")


def i04(facts: Facts) -> Iterator[Violation]:
    """A task's events lead along legal transitions to the status of its row."""
    for key, life in facts.lives.items():
        before: str | None = None
        for moment in life:
            if moment.status != before and moment.status not in LEGAL[before]:
                subject = "/".join(key)
                said = f"event {moment.seq} leads from {before} to {moment.status}"
                yield Violation("I4", subject, said)
            before = moment.status
        row = facts.entities.get(key)
        if row is not None and row.columns["status"] != before:
            said = f"its events lead to {before}, its row is {row.columns['status']}"
            yield Violation("I4", "/".join(key), said)


def i05(facts: Facts) -> Iterator[Violation]:
    """The events of an entity are numbered 1 to n, and n is the version of its row."""
    for key, told in facts.told.items():
        numbers = [event.seq for event in told]
        row = facts.entities.get(key)
        if numbers != list(range(1, len(numbers) + 1)):
            yield Violation("I5", "/".join(key), f"its events are numbered {_some(numbers)}")
        elif row is None:
            yield Violation("I5", "/".join(key), "has events, and no row")
        elif row.version != len(numbers):
            said = f"version {row.version}, and {len(numbers)} events"
            yield Violation("I5", "/".join(key), said)
    for key in facts.entities.keys() - facts.told.keys():
        yield Violation("I5", "/".join(key), "has a row, and no events")


def i06(facts: Facts) -> Iterator[Violation]:
    """No update is lost: the row is the fold of its events, each comment stands under its task."""
    for key, told in facts.told.items():
        row = facts.entities.get(key)
        if row is not None:
            for name in _differing(row, told):
                yield Violation("I6", "/".join(key), f"{name} is not what its events say")
        said = sum(event.kind == "task.commented" for event in told)
        if said != facts.comments.get(key, 0):
            found = f"{said} comments were made, {facts.comments.get(key, 0)} are there"
            yield Violation("I6", "/".join(key), found)


def _of(job: tuple[str, str], said: str) -> Violation:
    return Violation("I3", "/".join(job), said)


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:20])) + (" ..." if len(numbers) > 20 else "")


def _differing(row: Row, told: Sequence[Event]) -> list[str]:
    folded: dict[str, Any] = {}
    for event in told:
        folded |= event.data
    return [
        name
        for name in sorted(folded.keys() & row.columns.keys())
        if not _is_equal(folded[name], row.columns[name])
    ]


def _is_equal(told: Any, stored: Any) -> bool:
    """Times are written in more than one way."""
    return told == stored or (
        isinstance(told, str)
        and isinstance(stored, str)
        and (_moment(told) or 1) == (_moment(stored) or 2)
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
