"""The queues as the consumer uses them: take many, hold them, settle many or put them back.

On Arq's keys, one script a verb, one round trip a script. A hold belongs to the taking that made
it: who comes back late finds its token gone and changes nothing.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from arq.connections import ArqRedis
from arq.constants import retry_key_prefix

from jobs import codec
from jobs.codec import Poison, Reference, Request
from jobs.connections import ANSWER_SECONDS
from jobs.signing import Keyring
from jobs.wire import queue_id
from worker import lua
from worker.deliveries import (
    Deferred,
    Delivery,
    Disposition,
    HandedBack,
    Kept,
    Refused,
    Settled,
)
from worker.queue.touched import Ids, touched_by
from worker.results import KEEP_RESULT_SECONDS, envelope_id, result_bytes

HAND_BACK_SECONDS = 0.02
SOONEST_SECONDS = 1e-6
"""Two entries that are put back so far apart stay in order."""
EARLIEST_MS, LATEST_MS = 0.0, 2.0**53
"""Others may write any score, infinite ones too, which is no time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A queue entry that is held. `score` is when it was due, in ms since the epoch.

    `taken_at`: when it was taken, on the clock of the event loop. `touches`: what it changes, and
    what it needs to be as it is. `size`: the bytes of its payload.
    """

    queue: int
    name: bytes
    token: str
    delivery: Delivery
    score: float
    taken_at: float
    touches: tuple[Ids, Ids]
    size: int


@dataclass(frozen=True, slots=True)
class Take:
    """What one taking holds. `is_full`: there was no room for more, of which there is some."""

    entries: list[Entry]
    is_full: bool


class Queues:
    """Queues of Arq's, each with its share of what is taken. All methods raise REDIS_ERRORS."""

    def __init__(
        self,
        redis: ArqRedis,
        shares: Mapping[str, int],
        hold_seconds: float,
        keyring: Keyring | None = None,
    ) -> None:
        self._redis = redis
        self._keyring = keyring
        self._names, self._shares = list(shares), list(shares.values())
        self._hold_ms = int(hold_seconds * 1000)
        self._take = script(redis, "take")
        self._settle = script(redis, "settle")
        self._renew = script(redis, "renew")

    async def take(self, most_jobs: int, most_bytes: int) -> Take:
        """Holds what is due, in queue order, up to both limits (but one entry of each queue)."""
        token, taken_at = uuid4().hex, asyncio.get_running_loop().time()
        arguments = [token, self._hold_ms, most_jobs, most_bytes, *self._shares]
        more, taken = await self._run(self._take, arguments)
        entries = [self._entry(token, taken_at, *fields) for fields in taken]
        return Take(entries, is_full=bool(more))

    async def renew(self, entries: Iterable[Entry]) -> list[bytes]:
        """These are held for longer; the names of those that are not held any more."""
        fields = [field for e in entries for field in (e.queue, e.name, e.token)]
        lost: list[bytes] = await self._run(self._renew, [self._hold_ms, *fields])
        return lost

    async def settle(
        self,
        entries: Sequence[Entry],
        dispositions: Sequence[Disposition],
        touched: Iterable[str] = (),
    ) -> int:
        """Each is forgotten, with its outcome published, or put back; how many were lost.

        `touched`: keys that others watch, to learn that something has happened.
        """
        return await self._end(list(map(_ending, entries, dispositions)), list(touched))

    async def give_back(self, entries: Iterable[Entry]) -> int:
        """The entries stand where they stood, as if they had not been taken."""
        return await self._end([(*_held(e), "at", e.score, "") for e in entries], [])

    async def unsettled(self, job_ids: Collection[UUID]) -> set[UUID]:
        """Which of these jobs were taken by somebody and are not settled yet."""
        if not job_ids:
            return set()
        ordered = list(job_ids)
        counts = await self._redis.mget([retry_key_prefix + queue_id(one) for one in ordered])
        return {one for one, count in zip(ordered, counts, strict=True) if count is not None}

    async def size(self) -> int:
        """How many entries there are, due or not, held or not."""
        return sum([await self._redis.zcard(name) for name in self._names])

    async def _end(self, endings: list[tuple[Any, ...]], touched: list[str]) -> int:
        if not endings:
            return 0
        fields = [field for ending in endings for field in ending]
        arguments = [KEEP_RESULT_SECONDS * 1000, len(touched), *touched, *fields]
        return int(await self._run(self._settle, arguments))

    async def _run(self, script: Any, arguments: list[Any]) -> Any:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await script(self._names, arguments)

    def _entry(self, token: str, taken_at: float, *fields: Any) -> Entry:
        queue, name, payload, count, score, aborted = fields
        arq_id = name.decode(errors="backslashreplace")
        request = _request(arq_id, payload, self._keyring)
        is_aborted = bool(aborted) and self._may_be_aborted(request)
        delivery = Delivery(arq_id, request, self._names[queue], count, is_aborted=is_aborted)
        return Entry(
            queue=queue,
            name=name,
            token=token,
            delivery=delivery,
            score=min(max(EARLIEST_MS, float(score)), LATEST_MS),
            taken_at=taken_at,
            touches=touched_by(request),
            size=len(payload or b""),
        )

    def _may_be_aborted(self, request: Request) -> bool:
        """Not what was recorded, nor what must be signed: anybody who writes to Redis could."""
        return self._keyring is None and not isinstance(request, Reference)


def script(redis: ArqRedis, name: str) -> Any:
    """`worker/lua/<name>.lua`, to be called with keys and arguments."""
    return redis.register_script(lua.source(name))


def _request(arq_id: str, payload: bytes | None, keyring: Keyring | None) -> Request:
    if payload is None:
        return Poison(b"", "payload_gone", f"Redis has no payload for {arq_id}")
    return codec.read(payload, keyring)


def _held(entry: Entry) -> tuple[int, bytes, str]:
    return entry.queue, entry.name, entry.token


def _ending(entry: Entry, disposition: Disposition) -> tuple[Any, ...]:
    match disposition:
        case Settled(outcome):
            result = result_bytes(entry.delivery, outcome, int(entry.score))
            other = envelope_id(entry.delivery.request)
            return *_held(entry), "done", result, "" if other == entry.delivery.arq_id else other
        case Refused(outcome):
            # Under the entry's own id only: the one inside may be somebody else's.
            result = result_bytes(entry.delivery, outcome, int(entry.score))
            return *_held(entry), "done", result, ""
        case Kept():
            return *_held(entry), "done", "", ""
        case Deferred(delay_seconds):
            return *_held(entry), "in", f"{delay_seconds * 1000:.3f}", ""
        case HandedBack():
            return *_held(entry), "in", int(HAND_BACK_SECONDS * 1000), ""
