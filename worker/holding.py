"""The queue as the consumer uses it: take many, hold them, settle many or put them back.

On Arq's keys, one script a verb. A hold belongs to the taking that made it: who comes back late
finds its token gone and changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from arq.connections import ArqRedis

from jobs import codec
from jobs.codec import Poison, Request
from worker.connection import REDIS_ERRORS
from worker.deliveries import Deferred, Delivery, Disposition, HandedBack, Parked, Settled
from worker.results import KEEP_RESULT_SECONDS, envelope_id, result_bytes

HAND_BACK_SECONDS = 0.02
REDIS_TIMEOUT_SECONDS = 5.0
SCRIPTS = Path(__file__).parent / "lua"


@dataclass(frozen=True, slots=True)
class Entry:
    """A queue entry that is held. `score` is when it was due, in ms since the epoch."""

    name: bytes
    delivery: Delivery
    score: float


@dataclass(frozen=True, slots=True)
class Take:
    """What one taking holds. `next_due_seconds`: until there is more, if that is known."""

    token: str
    entries: list[Entry]
    is_full: bool
    next_due_seconds: float | None


class Queue:
    """One queue of Arq's. All methods raise what is in REDIS_ERRORS."""

    def __init__(self, redis: ArqRedis, name: str, hold_seconds: float) -> None:
        self._name = name
        self._hold_seconds = hold_seconds
        self._take = redis.register_script((SCRIPTS / "take.lua").read_text())
        self._renew = redis.register_script((SCRIPTS / "renew.lua").read_text())
        self._settle = redis.register_script((SCRIPTS / "settle.lua").read_text())

    async def take(self, most_jobs: int, most_bytes: int) -> Take:
        """Holds what is due, in queue order, up to both limits (but at least one entry)."""
        token = uuid4().hex
        arguments = [token, self._hold_ms, most_jobs, most_bytes]
        more, wait_ms, taken = await self._run(self._take, arguments)
        return Take(
            token=token,
            entries=[self._entry(*fields) for fields in taken],
            is_full=bool(more),
            next_due_seconds=None if wait_ms < 0 else wait_ms / 1000,
        )

    @asynccontextmanager
    async def holding(self, take: Take, entries: Sequence[Entry]) -> AsyncIterator[None]:
        """These entries stay held, however long the block takes."""
        renewing = asyncio.create_task(self._keep_renewing(take, entries))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def settle(
        self, take: Take, entries: Sequence[Entry], dispositions: Sequence[Disposition]
    ) -> int:
        """Each entry is forgotten, with its outcome published, or put back; how many were lost."""
        endings = map(_ending, entries, dispositions)
        return await self._end(take, endings)

    async def give_back(self, take: Take, entries: Iterable[Entry]) -> int:
        """The entries stand where they stood, as if they had not been taken."""
        return await self._end(take, [(e.name, "at", e.score, "") for e in entries])

    async def _end(self, take: Take, endings: Iterable[tuple[Any, ...]]) -> int:
        fields = [field for ending in endings for field in ending]
        if not fields:
            return 0
        arguments = [take.token, KEEP_RESULT_SECONDS * 1000, *fields]
        return int(await self._run(self._settle, arguments))

    async def _keep_renewing(self, take: Take, entries: Sequence[Entry]) -> None:
        arguments = [take.token, self._hold_ms, *(entry.name for entry in entries)]
        while True:
            await asyncio.sleep(self._hold_seconds / 3)
            with suppress(*REDIS_ERRORS):
                await self._run(self._renew, arguments)

    async def _run(self, script: Any, arguments: list[Any]) -> Any:
        async with asyncio.timeout(REDIS_TIMEOUT_SECONDS):
            return await script([self._name], arguments)

    @property
    def _hold_ms(self) -> int:
        return int(self._hold_seconds * 1000)

    def _entry(self, name: bytes, payload: bytes | None, count: int, score: bytes) -> Entry:
        arq_id = name.decode(errors="backslashreplace")
        delivery = Delivery(arq_id, _request(arq_id, payload), self._name, count)
        return Entry(name, delivery, float(score))


def _request(arq_id: str, payload: bytes | None) -> Request:
    if payload is None:
        return Poison(b"", "payload_gone", f"Redis has no payload for {arq_id}")
    return codec.read(payload)


def _ending(entry: Entry, disposition: Disposition) -> tuple[Any, ...]:
    match disposition:
        case Settled(outcome):
            result = result_bytes(entry.delivery, outcome, int(entry.score))
            other = envelope_id(entry.delivery.request)
            return entry.name, "done", result, other or ""
        case Parked():
            return entry.name, "done", "", ""
        case Deferred(delay_seconds):
            return entry.name, "in", int(delay_seconds * 1000), ""
        case HandedBack():
            return entry.name, "in", int(HAND_BACK_SECONDS * 1000), ""
