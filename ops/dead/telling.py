"""What replays, discards and rehearsals print, and with which exit code they end."""

import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from db.reads.dead import Dead
from db.reads.one_dead import DeadJob, Letter
from ops.dead import tables
from ops.dead.acting import Done, Left
from ops.dead.rehearsing import Rehearsed
from ops.output import notice, print_json

MOST_LINES = 20


def tell_one(shown: DeadJob | Letter, *, as_json: bool) -> None:
    """Bytes as base64, and as text where they are text."""
    match shown:
        case DeadJob() if as_json:
            print_json(shown)
        case DeadJob():
            tables.draw_job(shown)
        case Letter() if as_json:
            document, raw = asdict(shown), shown.raw
            del document["raw"]
            print_json(document | {"text": _text(raw), "raw_base64": b64encode(raw).decode()})
        case Letter():
            tables.draw_letter(shown)


def tell_done(done: Done, told: dict[str, Any], *, verb: str, as_json: bool) -> None:
    """`told`: what stands in the document besides. Ends the command with 1 if one was left."""
    if as_json:
        print_json(told | {verb: list(map(_name, done.acted)), "left": list(map(_left, done.left))})
    else:
        _draw_acted(done.acted, f"would be {verb}" if told["dry_run"] else verb)
        tables.draw_left(done.left)
    if done.left:
        notice(f"{len(done.acted)} {verb}, {len(done.left)} left alone.")
    _end(done.left, has_more=told["has_more"])


def tell_rehearsed(rehearsed: Rehearsed, told: dict[str, Any], *, as_json: bool) -> None:
    """Outcomes, and the rows that would change. Ends the command with 1 if one was left."""
    if as_json:
        rehearsals = [_name(dead) | asdict(rehearsal) for dead, rehearsal in rehearsed.rehearsals]
        print_json(told | {"rehearsals": rehearsals, "left": list(map(_left, rehearsed.left))})
    else:
        for dead, rehearsal in rehearsed.rehearsals:
            tables.draw_rehearsal(dead, rehearsal)
        tables.draw_left(rehearsed.left)
    _end(rehearsed.left, has_more=told["has_more"])


def _draw_acted(acted: Sequence[Dead], what: str) -> None:
    for dead in acted[:MOST_LINES]:
        click.echo(f"{dead.id} {what}")
    if len(acted) > MOST_LINES:
        click.echo(f"… and {len(acted) - MOST_LINES} more {what}")


def _end(left: Sequence[Left], *, has_more: bool) -> None:
    if has_more:
        notice("There are more of this group; run the command again, or see --limit.")
    if left:
        sys.exit(1)


def _name(dead: Dead) -> dict[str, Any]:
    return {name: getattr(dead, name) for name in ("id", "tenant", "kind", "reason", "fingerprint")}


def _left(left: Left) -> dict[str, Any]:
    return _name(left.dead) | {"why": left.why}


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
