"""The page of all events: what each says, and which jobs append it."""

from collections.abc import Iterator

from jobs.envelope import PAYLOADS
from ops.reference.kinds import words
from ops.reference.prose import page, prose, table


def events_page() -> str:
    rows = (_row(event, words) for event, words in prose("events").items())
    head = ("event", "what has happened", "parts", "appended by")
    return page("Events", prose("introductions")["events"], table(head, rows))


def _row(event: str, said: dict[str, str]) -> tuple[str, ...]:
    parts = said.get("parts", "")
    return f"`{event}`", said["means"], parts, ", ".join(f"`{kind}`" for kind in _causes(event))


def _causes(event: str) -> Iterator[str]:
    for kind in PAYLOADS:
        said = words(kind)
        if event in (*said["events"], *said.get("follows", ())):
            yield kind
