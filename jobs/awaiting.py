"""Waiting for outcomes: Arq's result keys, then the ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

from jobs.codec import load
from jobs.watching import Watcher

LedgerReader = Callable[[UUID, UUID], Awaitable[dict[str, Any] | None]]
"""The stored outcome of (tenant_id, job_id), or None while there is none."""
FIRST_LEDGER_SECONDS, LEDGER_SECONDS = 0.25, 1.0
"""Redis tells at once; the ledger is asked for what Redis has forgotten or never knew."""


class Awaiting:
    """The one reader of outcomes for all handles of a producer."""

    def __init__(self, watcher: Watcher, read_ledger: LedgerReader | None) -> None:
        self._watcher = watcher
        self._read_ledger = read_ledger

    async def outcome(
        self, tenant_id: UUID, job_id: UUID, result_key: str, seconds: float
    ) -> dict[str, Any]:
        """The job's outcome. Raises TimeoutError, which says nothing about the job."""
        answer = self._watcher.expect(result_key, partial(_outcome_for, str(tenant_id)))
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + seconds, FIRST_LEDGER_SECONDS
        try:
            while True:
                await asyncio.wait([answer], timeout=max(0.0, min(pause, deadline - clock())))
                found = answer.result() if answer.done() else await self._stored(tenant_id, job_id)
                if found is not None:
                    return found
                if clock() >= deadline:
                    raise TimeoutError(f"not settled in {seconds:g} seconds{self._watcher.trouble}")
                pause = LEDGER_SECONDS
        finally:
            self._watcher.forget(answer)

    async def _stored(self, tenant_id: UUID, job_id: UUID) -> dict[str, Any] | None:
        if self._read_ledger is None:
            return None
        return await self._read_ledger(tenant_id, job_id)


def _outcome_for(tenant_id: str, raw: bytes | None) -> dict[str, Any] | None:
    """The outcome in Arq's result, if there is one and its job is this tenant's."""
    try:
        result = {} if raw is None else load(raw)
    except (TypeError, ValueError):
        return None
    match result:
        case {"a": [{"tenant_id": str(tenant)}], "r": dict(outcome)}:
            return outcome if tenant == tenant_id else None
        case {"a": [{"tenant_id": str(tenant)}], "r": asyncio.CancelledError(args=(outcome,))}:
            return outcome if tenant == tenant_id else None
    return None
