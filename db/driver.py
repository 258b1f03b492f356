"""Statements that SQLAlchemy has written, sent by asyncpg itself: compiled once, then only bound.

One that finds a row costs 50 µs of Python this way, and 138 through `AsyncConnection.execute`
(measured); a job that comes alone needs some sixteen. Transactions and pool stay SQLAlchemy's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg
from pydantic_core import from_json, to_json
from sqlalchemy import ARRAY, BindParameter, Dialect, Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Write = Callable[[Any], Any]
"""From a value to what asyncpg takes."""


def json_text(value: Any) -> str:
    return to_json(value).decode()


DIALECT: Dialect = dialect(json_serializer=json_text, json_deserializer=from_json)  # type: ignore[no-untyped-call]


class Driver:
    """A connection of asyncpg's beneath one of SQLAlchemy's, which begins the transactions."""

    def __init__(self, connection: AsyncConnection, beneath: "asyncpg.Connection[Any]") -> None:
        self._connection = connection
        self._beneath = beneath

    @classmethod
    async def of(cls, connection: AsyncConnection) -> "Driver":
        beneath = (await connection.get_raw_connection()).driver_connection
        if beneath is None:
            raise RuntimeError("there is no connection")
        return cls(connection, beneath)

    async def fetch(self, statement: Executable, binds: Mapping[str, Any]) -> list[Sequence[Any]]:
        """The rows that it answers."""
        self._require_transaction()
        return await self.glance(statement, binds)

    async def execute(self, statement: Executable, binds: Mapping[str, Any]) -> int:
        """How many rows it has written."""
        self._require_transaction()
        status: str = await self._send(self._beneath.execute, statement, binds)
        return int(status.rpartition(" ")[2])

    async def glance(self, query: Executable, binds: Mapping[str, Any]) -> list[Sequence[Any]]:
        """The rows that it answers at this moment, in a transaction or not."""
        rows: list[Sequence[Any]] = await self._send(self._beneath.fetch, query, binds)
        return rows

    def _require_transaction(self) -> None:
        if not self._beneath.is_in_transaction():
            raise RuntimeError("no transaction has begun: declare the tenants first")

    async def _send(
        self,
        send: Callable[..., Awaitable[Any]],
        statement: Executable,
        binds: Mapping[str, Any],
    ) -> Any:
        sent = compiled(statement)
        try:
            return await send(sent.text, *sent.arguments(binds))
        except BaseException as error:
            # As SQLAlchemy does: whose answer was not waited for, nobody shall be given.
            if self._beneath.is_closed() or not isinstance(error, Exception):
                await self._connection.invalidate()
            raise


@dataclass(frozen=True, slots=True)
class Bind:
    """`value`: a constant of the statement's; `write`: None if asyncpg takes values as they are."""

    name: str
    is_required: bool
    value: Any
    write: Write | None

    @classmethod
    def of(cls, name: str, parameter: "BindParameter[Any]") -> "Bind":
        write = _writer(parameter.type)
        return cls(name, parameter.required, parameter.value, write)

    def argument(self, given: Mapping[str, Any]) -> Any:
        value = given[self.name] if self.is_required else given.get(self.name, self.value)
        return value if self.write is None else self.write(value)


@dataclass(frozen=True, slots=True)
class Compiled:
    text: str
    binds: list[Bind]

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """Raises asyncpg's DataError for what cannot be written, as it does itself."""
        try:
            return [bind.argument(given) for bind in self.binds]
        except (TypeError, ValueError) as error:
            raise asyncpg.DataError(str(error).partition("\n")[0]) from error


@lru_cache(maxsize=256)
def compiled(statement: Executable) -> Compiled:
    """For constants of the repositories'. Raises TypeError if it is not always the same text."""
    writer = statement.compile(dialect=DIALECT)  # type: ignore[attr-defined]
    if not isinstance(writer, SQLCompiler) or writer.post_compile_params:
        raise TypeError("only statements whose text is always the same")
    if writer.insert_prefetch or writer.update_prefetch:
        raise TypeError("defaults of the server's only: nobody here asks Python for others")
    names = writer.positiontup or []
    return Compiled(str(writer), [Bind.of(name, writer.binds[name]) for name in names])


def _writer(type_: TypeEngine[Any]) -> Write | None:
    if not isinstance(type_, ARRAY):
        return type_.dialect_impl(DIALECT).bind_processor(DIALECT)
    write = _writer(type_.item_type)
    return None if write is None else lambda values: list(map(write, values))
