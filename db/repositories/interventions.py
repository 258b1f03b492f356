"""Operators' acts on the dead: what is done and who did it are one transaction.

For connections of the keeper, who may do it only through these functions.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.entities import Key
from jobs.envelope import SYSTEM_KINDS

_KEYS = (bindparam("tenants", type_=ARRAY(Uuid())), bindparam("jobs", type_=ARRAY(Uuid())))
REPLAY = text("""
    SELECT tenant_id, job_id
    FROM taskrail.replay(:tenants, :jobs, :of_system, :operator, :reason, :even_discarded)
""").bindparams(*_KEYS, bindparam("of_system", type_=ARRAY(Text())))
DISCARD = text(
    "SELECT tenant_id, job_id FROM taskrail.discard(:tenants, :jobs, :operator, :reason)"
).bindparams(*_KEYS)
REPLAY_LETTER = text("""
    SELECT tenant_id, job_id, status, conflict
    FROM taskrail.replay_letter(:letter, :operator, :reason, :even_discarded)
""").bindparams(bindparam("letter", type_=Uuid()))
DISCARD_LETTERS = text(
    "SELECT letter_id FROM taskrail.discard_letters(:letters, :operator, :reason)"
).bindparams(bindparam("letters", type_=ARRAY(Uuid())))


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, and why; a discard needs a reason. `even_discarded`: what is discarded, too."""

    operator: str
    reason: str | None = None
    even_discarded: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the ledger has for a dead letter's job. `conflict`: the id is another job's."""

    tenant_id: UUID
    job_id: UUID
    status: str
    conflict: bool


class Interventions:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def replay(self, jobs: Collection[Key], act: Act) -> set[Key]:
        """Those of these jobs that were buried are accepted again and fed: which they are."""
        binds = _arrays(jobs) | _told(act) | {"even_discarded": act.even_discarded}
        binds["of_system"] = sorted(SYSTEM_KINDS)
        rows = await self._connection.execute(REPLAY, binds)
        return {(tenant_id, job_id) for tenant_id, job_id in rows}

    async def discard(self, jobs: Collection[Key], act: Act) -> set[Key]:
        """Those that were buried and not discarded are so now: which they are."""
        rows = await self._connection.execute(DISCARD, _arrays(jobs) | _told(act))
        return {(tenant_id, job_id) for tenant_id, job_id in rows}

    async def replay_letter(self, letter_id: UUID, act: Act) -> Replayed | None:
        """The job in the letter is recorded as by its producer; None if there is no such letter.

        Raises the driver's error of class 22 if the bytes hold nothing that can be recorded.
        """
        binds = _told(act) | {"letter": letter_id, "even_discarded": act.even_discarded}
        row = (await self._connection.execute(REPLAY_LETTER, binds)).one_or_none()
        return None if row is None else Replayed(*row)

    async def discard_letters(self, letter_ids: Collection[UUID], act: Act) -> set[UUID]:
        """Those that were neither replayed nor discarded are discarded: which they are."""
        binds = _told(act) | {"letters": list(letter_ids)}
        return set((await self._connection.execute(DISCARD_LETTERS, binds)).scalars())


def _arrays(jobs: Collection[Key]) -> dict[str, object]:
    return {"tenants": [key[0] for key in jobs], "jobs": [key[1] for key in jobs]}


def _told(act: Act) -> dict[str, object]:
    return {"operator": act.operator, "reason": act.reason}
