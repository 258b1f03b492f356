"""The page of all events: what each says, and which jobs append it."""

from collections.abc import Iterator

from jobs.envelope import PAYLOADS
from ops.reference.kinds import words
from ops.reference.prose import page, prose, table

INTRODUCTION = """
An event is one act on one entity: a project, a worker or a task. `entity_id` and `seq` are its key;
`seq` is the version that the act made, without gaps from 1. `job_id` names the job that caused it,
`actor_id` who asked (null: the system), `actor_name` and `title` are as they were at the time of the
act. `data` has the new values of the columns that changed, and the parts listed below: what other
tables hold of the entity (a lease, a member, a comment, dependencies), or what only the history
knows (a note, a reminder). Events are never changed or deleted.

The row of an entity equals the fold of its events; so `jobs.fold` and `db.reads.time_travel` can
tell what it was at any version.
"""


def events_page() -> str:
    rows = (_row(event, words) for event, words in prose("events").items())
    head = ("event", "what has happened", "parts", "appended by")
    return page("Events", INTRODUCTION, table(head, rows))


def _row(event: str, said: dict[str, str]) -> tuple[str, ...]:
    parts = said.get("parts", "")
    return f"`{event}`", said["means"], parts, ", ".join(f"`{kind}`" for kind in _causes(event))


def _causes(event: str) -> Iterator[str]:
    for kind in PAYLOADS:
        said = words(kind)
        if event in (*said["events"], *said.get("follows", ())):
            yield kind
