"""Replays and discards of what was found dead, a chunk a transaction."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db.reads.dead import Dead
from db.repositories.interventions import Act
from jobs.entities import Key
from jobs.errors import JobConflict, JobDataError, StoreUnavailable
from ops.dead.letters import NotReplayable, sent_in
from ops.engines import opened
from ops.output import steps
from ops.queue import opened_queue
from settings import Settings
from worker.connection import REDIS_ERRORS
from worker.dead.replaying import discard, discard_letters, replay, replay_letter
from worker.signing import keyring

CHUNK = 500
"""What is done is done, wherever the command is interrupted."""
MEANWHILE = "somebody has dealt with it meanwhile"
TAKEN = "its id stands for another job"
LOST = "a server was lost midway; run the command again"
LOCKED = "its rows are locked; try again in a moment"

Do = Callable[[Sequence[Dead]], Awaitable[Collection[Any]]]


@dataclass(frozen=True, slots=True)
class Left:
    """What was not touched, and why."""

    dead: Dead
    why: str


@dataclass(slots=True)
class Done:
    """What was acted on, and what was left alone."""

    acted: list[Dead] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def sort(self, asked: Sequence[Dead], done: Collection[Any]) -> None:
        """`done`: keys of jobs, or ids of letters."""
        for dead in asked:
            if (dead.id if dead.tenant_id is None else (dead.tenant_id, dead.id)) in done:
                self.acted.append(dead)
            else:
                self.left.append(Left(dead, MEANWHILE))


async def replayed(dead: Sequence[Dead], act: Act, settings: Settings) -> Done:
    """Jobs are accepted again, letters recorded; the workers' sweeper feeds both.

    If a server is lost midway, what was not reached is left; raises its error if nothing was done.
    """
    done = Done()
    with _leaving_the_rest(dead, done):
        async with (
            opened(settings, "reader") as reader,
            opened(settings, "keeper") as keeper,
            opened_queue(settings) as redis,
        ):
            await _in_chunks(
                _jobs(dead), lambda chunk: replay(_keys(chunk), act, keeper, redis), done
            )
            for letter in _letters(dead):
                try:
                    await sent_in(reader, letter.id, keyring(settings))
                except NotReplayable as error:
                    done.left.append(Left(letter, str(error)))
                else:
                    await _replay_letter(letter, act, keeper, done)
    return done


async def discarded(dead: Sequence[Dead], act: Act, settings: Settings) -> Done:
    """None of these is listed any more, unless asked for. As `replayed`, if a server is lost."""
    done = Done()
    with _leaving_the_rest(dead, done):
        async with opened(settings, "keeper") as keeper:
            await _in_chunks(_jobs(dead), lambda chunk: discard(_keys(chunk), act, keeper), done)
            await _in_chunks(
                _letters(dead),
                lambda chunk: discard_letters([letter.id for letter in chunk], act, keeper),
                done,
            )
    return done


@contextmanager
def _leaving_the_rest(dead: Sequence[Dead], done: Done) -> Iterator[None]:
    """What was under way may be done all the same; then it is not found the next time."""
    try:
        yield
    except (StoreUnavailable, *REDIS_ERRORS) as error:
        if not done.acted:
            raise
        reached = [*done.acted, *(left.dead for left in done.left)]
        rest = set(map(_name, dead)) - set(map(_name, reached))
        done.left += [Left(one, f"{LOST}: {error}") for one in dead if _name(one) in rest]


async def _in_chunks(dead: Sequence[Dead], do: Do, done: Done) -> None:
    with steps(len(dead)) as step:
        for start in range(0, len(dead), CHUNK):
            chunk = dead[start : start + CHUNK]
            try:
                done.sort(chunk, await do(chunk))
            except JobConflict:
                done.left += [Left(one, LOCKED) for one in chunk]
            for one in chunk:
                step(str(one.id))


async def _replay_letter(dead: Dead, act: Act, keeper: AsyncEngine, done: Done) -> None:
    try:
        known = await replay_letter(dead.id, act, keeper)
    except JobDataError as error:
        done.left.append(Left(dead, str(error)))
        return
    except JobConflict:
        done.left.append(Left(dead, LOCKED))
        return
    if known is not None and known.conflict:
        done.left.append(Left(dead, TAKEN))
    else:
        done.sort([dead], set[UUID]() if known is None else {dead.id})


def _name(dead: Dead) -> tuple[UUID | None, UUID]:
    return dead.tenant_id, dead.id


def _jobs(dead: Sequence[Dead]) -> list[Dead]:
    return [one for one in dead if one.tenant_id is not None]


def _letters(dead: Sequence[Dead]) -> list[Dead]:
    return [one for one in dead if one.tenant_id is None]


def _keys(jobs: Sequence[Dead]) -> list[Key]:
    return [(job.tenant_id, job.id) for job in jobs if job.tenant_id is not None]
