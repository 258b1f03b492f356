"""Waiting for outcomes: Arq's result keys, then the ledger.

All who wait on one producer share one question a round, so a thousand cost little more than one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from jobs.codec import load
from jobs.entities import Key

ResultReader = Callable[[list[UUID]], Awaitable[list[bytes | None]]]
"""Arq's results of these job ids, in order. Raises OSError if there is nobody to ask."""
LedgerReader = Callable[[UUID, UUID], Awaitable[dict[str, Any] | None]]
"""The stored outcome of (tenant_id, job_id), or None while there is none."""
Answer = asyncio.Future[dict[str, Any]]

SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, GROWTH = 0.005, 0.1, 1.5
REST = 4
"""Pauses are at least so many times longer than questions."""
FIRST_LEDGER_SECONDS, LEDGER_SECONDS = 0.25, 1.0


class Awaiting:
    """The one reader of results for all handles of a producer."""

    def __init__(self, read_results: ResultReader, read_ledger: LedgerReader | None) -> None:
        self._read_results = read_results
        self._read_ledger = read_ledger
        self._waiting: dict[Answer, Key] = {}
        self._asking: asyncio.Task[None] | None = None
        self._pause = SHORTEST_PAUSE_SECONDS
        self._trouble = ""

    async def outcome(self, tenant_id: UUID, job_id: UUID, seconds: float) -> dict[str, Any]:
        """The job's outcome. Raises TimeoutError, which says nothing about the job."""
        answer = self._expect((tenant_id, job_id))
        try:
            return await self._first_of_both(answer, seconds)
        finally:
            del self._waiting[answer]

    def _expect(self, key: Key) -> Answer:
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting[answer] = key
        self._pause = SHORTEST_PAUSE_SECONDS
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return answer

    async def _first_of_both(self, answer: Answer, seconds: float) -> dict[str, Any]:
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + seconds, FIRST_LEDGER_SECONDS
        while True:
            await asyncio.wait([answer], timeout=max(0.0, min(pause, deadline - clock())))
            if answer.done():
                return answer.result()
            stored = await self._stored(*self._waiting[answer])
            if stored is not None:
                return stored
            if clock() >= deadline:
                raise TimeoutError(f"not settled in {seconds:g} seconds{self._trouble}")
            pause = LEDGER_SECONDS

    async def _stored(self, tenant_id: UUID, job_id: UUID) -> dict[str, Any] | None:
        if self._read_ledger is None:
            return None
        return await self._read_ledger(tenant_id, job_id)

    async def _ask(self) -> None:
        """Until nobody waits. A Redis that is away is asked again: who waits has a time-out."""
        clock = asyncio.get_running_loop().time
        while self._waiting:
            started = clock()
            try:
                await self._ask_once()
                self._trouble = ""
            except OSError as error:
                self._trouble = f"; Redis cannot be reached: {error}"
            await asyncio.sleep(max(self._pause, REST * (clock() - started)))
            self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * GROWTH)

    async def _ask_once(self) -> None:
        open_answers = {answer: key for answer, key in self._waiting.items() if not answer.done()}
        if not open_answers:
            return
        found = await self._read_results([job_id for _, job_id in open_answers.values()])
        for (answer, key), raw in zip(open_answers.items(), found, strict=True):
            outcome = None if raw is None else _outcome_for(key, raw)
            if outcome is not None and not answer.done():
                answer.set_result(outcome)


def _outcome_for(key: Key, raw: bytes) -> dict[str, Any] | None:
    """The outcome in Arq's result, if the job that it belongs to is this tenant's."""
    try:
        result = load(raw)
    except (TypeError, ValueError):
        return None
    match result:
        case {"a": [{"tenant_id": str(tenant)}], "r": dict(outcome)}:
            return outcome if tenant == str(key[0]) else None
        case {"a": [{"tenant_id": str(tenant)}], "r": asyncio.CancelledError(args=(outcome,))}:
            return outcome if tenant == str(key[0]) else None
    return None
