"""The durable way in: jobs are committed to the ledger by the producer's own transaction.

Redis learns of them afterwards, and only their ids: what is applied is what the ledger has. A
wake-up that is lost, forged or altered changes nothing, for the sweeper feeds whatever waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic_core import from_json, to_json

from jobs.envelope import AnyJob

RECORD = "SELECT job_id, status, outcome, conflict FROM taskrail.record($1::jsonb)"


@runtime_checkable
class Session(Protocol):
    """SQLAlchemy's AsyncSession, and SQLModel's."""

    async def connection(self) -> "Connection": ...


@runtime_checkable
class Connection(Protocol):
    """SQLAlchemy's AsyncConnection."""

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any: ...


@runtime_checkable
class Driver(Protocol):
    """A connection of asyncpg's, or of its pool."""

    async def fetch(self, query: str, *parameters: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger has under the job's id. `conflict`: another job's, and nothing was saved."""

    job: AnyJob
    status: str
    outcome: dict[str, Any] | None
    conflict: bool

    @property
    def waits(self) -> bool:
        """Whether a worker has still to take it up."""
        return self.status == "accepted" and not self.conflict


async def record(jobs: Sequence[AnyJob], session: Session | Connection | Driver) -> list[Recorded]:
    """The jobs are accepted as soon as the caller's own transaction commits; in their order.

    Raises the driver's error 22023, which says what to do, if one cannot be recorded: none is.
    """
    envelopes = [job.model_dump(mode="json", exclude_unset=True) for job in jobs]
    rows = await _rows(session, to_json(envelopes).decode())
    return [
        Recorded(job, status, _parsed(outcome), conflict)
        for job, (_, status, outcome, conflict) in zip(jobs, rows, strict=True)
    ]


async def _rows(session: Session | Connection | Driver, envelopes: str) -> Iterable[Any]:
    rows: Iterable[Any]
    match session:
        case Connection():
            rows = await session.exec_driver_sql(RECORD, (envelopes,))
        case Driver():
            rows = await session.fetch(RECORD, envelopes)
        case Session():
            rows = await _rows(await session.connection(), envelopes)
    return rows


def _parsed(outcome: Any) -> Any:
    return from_json(outcome) if isinstance(outcome, str) else outcome
