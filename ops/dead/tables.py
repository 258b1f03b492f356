"""The dead for people. What others have sent is shown without its control characters."""

from collections.abc import Iterator, Sequence

import click
from pydantic_core import to_json

from db.reads.dead import Dead, DeadGroup
from db.reads.one_dead import Acted, DeadJob, Letter
from db.reads.paging import Page
from ops.cells import NOTHING, text, time
from ops.dead.acting import Left
from ops.outcomes import sentence
from ops.output import notice_more, print_table
from worker.dead.rehearsing import Rehearsal

COLUMNS = ("when", "id", "tenant", "kind", "reason", "tries", "fingerprint", "error")
GROUP_COLUMNS = ("last", "first", "number", "tenants", "kind", "reason", "fingerprint", "error")
ACT_COLUMNS = ("when", "verb", "by", "why")
SHORT, PREVIEW = 100, 2_000


def draw_list(page: Page[Dead]) -> None:
    print_table("Dead", COLUMNS, map(_cells, page.rows))
    notice_more(page.after)


def draw_groups(page: Page[DeadGroup]) -> None:
    rows = (
        (
            time(group.last_at),
            time(group.first_at),
            group.number,
            group.tenants,
            group.kind or NOTHING,
            group.reason,
            group.fingerprint,
            _short(group.error),
        )
        for group in page.rows
    )
    print_table("Groups of the dead", GROUP_COLUMNS, rows)
    notice_more(page.after)


def draw_job(job: DeadJob) -> None:
    print_table(f"{job.kind} of {job.tenant}", ("what", "value"), _facts_of_job(job))
    _draw_block("Envelope", to_json(job.envelope, indent=2).decode())
    _draw_rest(job.traceback, job.acts)


def draw_letter(letter: Letter) -> None:
    print_table(f"Dead letter, {letter.reason}", ("what", "value"), _facts_of_letter(letter))
    kept = letter.raw[:PREVIEW].decode(errors="backslashreplace")
    _draw_block(f"The first of {letter.size} bytes", kept)
    _draw_rest(letter.traceback, letter.acts)


def draw_rehearsal(dead: Dead, rehearsal: Rehearsal) -> None:
    click.echo(f"{dead.id} would be {_plain(_outcome(rehearsal))}")
    for change in rehearsal.changes:
        key = " ".join(str(value) for name, value in change.key.items() if name != "tenant_id")
        click.echo(f"  {change.table} {key}")
        before, after = change.before or {}, change.after or {}
        for name in {**before, **after}:
            old, new = (_plain(text(values.get(name))) for values in (before, after))
            click.echo(f"    {name}: {old} -> {new}")


def draw_left(left: Sequence[Left]) -> None:
    for one in left:
        click.echo(f"{one.dead.id} is left alone: {_plain(one.why)}")


def _cells(dead: Dead) -> tuple[object, ...]:
    reason = dead.reason if dead.discarded_at is None else f"{dead.reason}, discarded"
    return (
        time(dead.at),
        dead.id,
        dead.tenant or NOTHING,
        dead.kind or NOTHING,
        reason,
        dead.attempts,
        dead.fingerprint,
        _short(dead.error),
    )


def _facts_of_job(job: DeadJob) -> Iterator[tuple[str, object]]:
    yield "id", job.id
    yield "status", job.status
    yield "tries", job.attempts
    yield "fingerprint", job.fingerprint or NOTHING
    yield "error", _plain(job.error or NOTHING)
    yield "accepted", time(job.accepted_at)
    yield "settled", time(job.settled_at)
    yield "discarded", time(job.discarded_at)


def _facts_of_letter(letter: Letter) -> Iterator[tuple[str, object]]:
    yield "id", letter.id
    yield "queue", _plain(letter.queue)
    yield "entry", _plain(letter.arq_id)
    yield "tries", letter.attempts
    yield "fingerprint", letter.fingerprint
    yield "error", _plain(letter.error)
    yield "size", f"{letter.size} bytes, of which {len(letter.raw)} are kept"
    yield "sha256", letter.sha256
    yield "received", time(letter.received_at)
    yield "replayed", time(letter.replayed_at)
    yield "discarded", time(letter.discarded_at)


def _draw_rest(traceback: str | None, acts: Sequence[Acted]) -> None:
    if traceback:
        _draw_block("Traceback", traceback)
    if acts:
        rows = ((time(act.at), act.verb, act.operator, act.reason or NOTHING) for act in acts)
        print_table("What was done with it", ACT_COLUMNS, rows)


def _draw_block(title: str, lines: str) -> None:
    click.echo(f"\n{title}")
    for line in lines.splitlines():
        click.echo(f"  {_plain(line)}")
    click.echo()


def _outcome(rehearsal: Rehearsal) -> str:
    if "waits" in rehearsal.outcome:
        return f"accepted, and would wait: {rehearsal.outcome['waits']}"
    return sentence(rehearsal.outcome)


def _short(error: str | None) -> str:
    line = _plain(error or NOTHING)
    return line if len(line) <= SHORT else f"{line[:SHORT]}…"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
