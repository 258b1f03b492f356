"""The relay: what the outbox has goes into the tenants' streams, in order, at least once.

An event is deleted when Redis has it: who dies in between leaves it, and it is published again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from db.conflicts import translated
from db.reads.event_texts import EventText, texts_of
from db.repositories.outbox import DRAWN_BEYOND, Outbox, Unpublished
from db.repositories.tenants import declare
from worker.backoff import full_jitter
from worker.glance import is_any
from worker.loops.alone import alone
from worker.loops.floor import Floor
from worker.runtime import Runtime
from worker.signals import EventsPublished, StreamLost, StreamRefused
from worker.streams import Publication, append

ROUND_EVENTS, ROUND_BYTES = 1_000, 8 * 1024 * 1024
WORKING_SHARE, LONGEST_GATHERING_SECONDS = 0.25, 0.1
"""Under load rounds gather the events of many batches: a round costs as much as fifty events."""
MAX_WAITS, LONGEST_WAIT_SECONDS = 5, 0.2
"""For another relay, which may have looked just before our events were there."""
MAX_REMEMBERED = 10_000
QUIET_LOOKS = 10
"""After so many looks in vain only every second one is taken: a look costs 0.1 % of a core."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one transaction did. `read_to`: all rows up to there were seen."""

    publications: list[Publication]
    oldest_seconds: float
    read_to: int
    is_last: bool

    @property
    def published(self) -> int:
        return sum(one.events for one in self.publications if not one.refusal)


@dataclass(slots=True)
class Relay:
    """Remembers up to where all is published, and which streams there were."""

    floor: Floor = field(default_factory=Floor)
    _streams: set[UUID] = field(default_factory=set)
    _refused: set[UUID] = field(default_factory=set)
    _quiet_looks: int = 0
    _gathers_until: float = 0.0

    async def observe(self, runtime: Runtime) -> int:
        """Publishes, if there are news here, or else if it is time to look for those of others.

        Who did so a moment ago waits until this loop has worked for a quarter of the time.
        """
        await asyncio.sleep(self._gathers_until - monotonic())
        self._quiet_looks = 0 if runtime.news.is_set() else self._quiet_looks + 1
        runtime.news.clear()
        if self._quiet_looks > QUIET_LOOKS and self._quiet_looks % 2:
            return 0
        began = monotonic()
        published = await self.publish(runtime)
        now = monotonic()
        gathering = (now - began) * (1 / WORKING_SHARE - 1)
        self._gathers_until = now + min(gathering, LONGEST_GATHERING_SECONDS)
        return published

    async def publish(self, runtime: Runtime) -> int:
        """All events that were committed before are in their streams; how many this put there.

        What other relays are about to publish is left to them. A tenant whose stream Redis refuses
        keeps nobody else from publishing. Raises RedisError and StoreUnavailable.
        """
        published = 0
        self._refused.clear()
        try:
            while (turn := await self._next_turn(runtime)) is not None:
                published += turn.published
                if turn.is_last:
                    break
        except Exception:
            # A server that was away may come back with less than it had.
            self.floor = Floor()
            raise
        return published

    async def _next_turn(self, runtime: Runtime) -> Turn | None:
        """None: there is nothing to publish, or another relay is at it and stays there."""
        for wait in range(1, MAX_WAITS + 1):
            position = self.floor.position
            if not await is_any(runtime.keeper, DRAWN_BEYOND, position=position):
                return None
            self._quiet_looks = 0
            turn = await self._turn(runtime)
            if turn is not None:
                return turn
            await asyncio.sleep(full_jitter(wait, LONGEST_WAIT_SECONDS))
        return None

    async def _turn(self, runtime: Runtime) -> Turn | None:
        """The next events, published and forgotten; None if another relay is at it."""
        async with alone(runtime.keeper, "relay") as connection:
            if connection is None:
                return None
            turn = await self._carry(Outbox(connection), runtime)
        if not self._refused:
            self.floor.rise(turn.read_to)
        self._tell(turn, runtime)
        return turn

    async def _carry(self, outbox: Outbox, runtime: Runtime) -> Turn:
        last = await outbox.last_drawn()
        if last < self.floor.position:
            self.floor = Floor()
        self.floor.aim(last, await outbox.writers())
        above = self.floor.position
        rows = await outbox.next(ROUND_EVENTS, above=above, without=self._refused)
        is_last = len(rows) < ROUND_EVENTS
        texts = await _texts(rows, runtime) if rows else []
        if len(texts) < len(rows):
            rows, is_last = rows[: len(texts)], False
        publications = await append(runtime.redis, texts, runtime.settings.stream_events)
        self._refused |= {one.tenant_id for one in publications if one.refusal}
        await outbox.delete([row for row in rows if row.tenant_id not in self._refused])
        oldest = max((one.age_seconds for one in texts), default=0.0)
        return Turn(publications, oldest, last if is_last else rows[-1].position, is_last)

    def _tell(self, turn: Turn, runtime: Runtime) -> None:
        for one in turn.publications:
            if one.refusal:
                runtime.emit(StreamRefused(one.tenant_id, one.refusal))
            elif one.is_first and one.tenant_id in self._streams:
                runtime.emit(StreamLost(one.tenant_id))
        if turn.published:
            streams = {one.tenant_id for one in turn.publications if not one.refusal}
            runtime.emit(EventsPublished(turn.published, len(streams), turn.oldest_seconds))
            self._remember(streams)

    def _remember(self, streams: set[UUID]) -> None:
        self._streams |= streams
        while len(self._streams) > MAX_REMEMBERED:
            self._streams.pop()


async def _texts(rows: Sequence[Unpublished], runtime: Runtime) -> list[EventText]:
    """The first of them, one at least, that are not too long together.

    Read as the worker does: what events say is not the keeper's to see.
    """
    with translated():
        async with runtime.engine.connect() as connection:
            await declare(connection, {row.tenant_id for row in rows})
            return await texts_of(connection, rows, ROUND_BYTES)
