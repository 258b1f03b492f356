"""Whom a replay or a discard is about: named by id, or a whole group by its fingerprint."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from db.reads.dead import Dead, find_dead
from db.reads.dead_filters import DeadFilters
from db.reads.one_dead import Letter, Namesake, jobs_called, one_letter
from ops.failure import CommandFailed

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Targets:
    """The oldest first. `has_more`: of the group, beyond the limit."""

    dead: list[Dead]
    has_more: bool


def require_named(ids: Sequence[UUID], fingerprint: str | None) -> None:
    """Nobody acts on everything by leaving something out."""
    if bool(ids) == bool(fingerprint):
        raise click.UsageError(
            "Name jobs or dead letters by ID, or a group by --fingerprint, and not both."
        )


async def targets(
    connection: AsyncConnection, ids: Sequence[UUID], filters: DeadFilters, limit: int
) -> Targets:
    """Those that are named; whoever is not dead, or not one alone, ends the command."""
    if ids:
        return Targets(await _called(connection, ids, filters), has_more=False)
    found = await find_dead(connection, filters, limit=limit + 1)
    if not found:
        raise CommandFailed(
            f"Nothing dead with fingerprint {filters.fingerprint}",
            "no filter left anything of the group",
            "`taskrail dead groups` shows all groups; --discarded includes discarded ones.",
        )
    return Targets(found[:limit], has_more=len(found) > limit)


async def _called(
    connection: AsyncConnection, ids: Sequence[UUID], filters: DeadFilters
) -> list[Dead]:
    wanted = tuple(dict.fromkeys(ids))
    found = await find_dead(connection, replace(filters, ids=wanted), limit=MOST_AT_ONCE)
    number = Counter(dead.id for dead in found)
    for one in wanted:
        if not number[one]:
            _refuse(one, await jobs_called(connection, one), await one_letter(connection, one))
        if number[one] > 1:
            raise CommandFailed(
                f"{one} is not one alone", "several tenants have a job of this id", "add --tenant."
            )
    return found


def _refuse(one: UUID, jobs: Sequence[Namesake], letter: Letter | None) -> NoReturn:
    """Says what is there instead."""
    status = jobs[0].status if jobs else None
    match status:
        case "buried":
            why, todo = "it is discarded, or not what the filters ask for", "add --discarded."
        case "accepted":
            why = "it is accepted: whether parked or waiting, it comes back by itself"
            todo = "`taskrail dead list --parked` shows what no worker knows."
        case str():
            why, todo = f"it is {status}: settled for good", f"`taskrail outcome {one}` says how."
        case None if letter is not None:
            is_replayed = letter.replayed_at is not None
            why = "it is replayed already" if is_replayed else "it is discarded, or filtered out"
            todo = (
                f"`taskrail dead show {one}` tells by whom; --discarded includes it if discarded."
            )
        case None:
            why, todo = "there is none of this id", "`taskrail dead list` shows those there are."
    raise CommandFailed(f"{one} is not dead", why, todo)
