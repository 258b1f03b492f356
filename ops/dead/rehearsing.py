"""Rehearsals of replays: each for itself, rolled back, told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from db.reads.dead import Dead
from jobs.errors import IdempotencyConflict, JobConflict, JobDataError
from ops.dead.acting import LOCKED, TAKEN, Left
from ops.dead.letters import NotReplayable, sent_in
from ops.engines import opened
from ops.output import steps
from settings import Settings
from worker.dead.rehearsing import Rehearsal, rehearse_job, rehearse_letter
from worker.signing import keyring

MOST_REHEARSED = 100
"""A rehearsal tells all rows; nobody reads more of them."""


@dataclass(slots=True)
class Rehearsed:
    """What each would become, and what would be left alone."""

    rehearsals: list[tuple[Dead, Rehearsal]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


async def rehearsed(dead: Sequence[Dead], settings: Settings) -> Rehearsed:
    """What a replay of each would do; nothing is changed."""
    found = Rehearsed()
    async with opened(settings, "reader") as reader, opened(settings, "worker") as worker:
        with steps(len(dead)) as step:
            for one in dead:
                await _rehearse(one, reader, worker, settings, found)
                step(str(one.id))
    return found


async def _rehearse(
    dead: Dead, reader: AsyncEngine, worker: AsyncEngine, settings: Settings, found: Rehearsed
) -> None:
    try:
        found.rehearsals.append((dead, await _rehearsal(dead, reader, worker, settings)))
    except (NotReplayable, JobDataError) as error:
        found.left.append(Left(dead, str(error)))
    except IdempotencyConflict:
        found.left.append(Left(dead, TAKEN))
    except JobConflict:
        found.left.append(Left(dead, LOCKED))


async def _rehearsal(
    dead: Dead, reader: AsyncEngine, worker: AsyncEngine, settings: Settings
) -> Rehearsal:
    if dead.tenant_id is not None:
        return await rehearse_job((dead.tenant_id, dead.id), worker, settings)
    sent = await sent_in(reader, dead.id, keyring(settings))
    return await rehearse_letter(sent, worker, settings)
