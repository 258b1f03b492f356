"""What arrived and belongs to no tenant's ledger, kept byte for byte (first 1 MiB)."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from db.arrays import arrays, bulk_insert, table_of
from db.driver import Driver
from db.models import DeadLetter as Row

MAX_RAW_BYTES = 1024 * 1024


@dataclass(slots=True)
class DeadLetter:
    id: UUID
    received_at: datetime
    queue: str
    arq_id: str
    raw: bytes
    size: int
    sha256: str
    reason: str
    fingerprint: str
    error: str
    traceback: str | None
    attempts: int


COLUMNS = [field.name for field in fields(DeadLetter)]
INSERT = bulk_insert(table_of(Row), COLUMNS)


class DeadLetters:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def insert(self, letters: list[DeadLetter]) -> None:
        await self._driver.execute(INSERT, arrays(letters, COLUMNS))
