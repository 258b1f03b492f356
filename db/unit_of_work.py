"""One transaction: what is read through it is consistent, what is saved is saved whole."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.arrays import rank
from db.conflicts import translated
from db.driver import Driver
from db.repositories.bulk import Bulk
from db.repositories.dead_letters import DeadLetter, DeadLetters
from db.repositories.dependencies import Dependencies
from db.repositories.dispatch import Dispatch
from db.repositories.history import History
from db.repositories.kin import Kin
from db.repositories.leases import Leases
from db.repositories.ledger import Entry, Ledger
from db.repositories.members import Members
from db.repositories.projects import Projects
from db.repositories.rows import Rows
from db.repositories.tasks import Tasks
from db.repositories.tenants import Tenants, clock, declare
from db.repositories.trees import Trees
from db.repositories.workers import Workers
from jobs.board import Board
from jobs.changes import Change
from jobs.entities import Project, Task, Worker
from jobs.errors import JobConflict

REQUIRE_RECORDABLE = text("SELECT taskrail.require_recordable(CAST(:envelope AS jsonb))")


class UnitOfWork:
    """The repositories of one transaction. Nothing is kept unless `commit` is called.

    It begins when its tenants are declared, or the clock is read.
    """

    def __init__(self, connection: AsyncConnection, driver: Driver) -> None:
        self._connection = connection
        self.tenants = Tenants(driver)
        self.ledger = Ledger(driver)
        self.projects = Projects(driver)
        self.workers = Workers(driver)
        self.members = Members(driver)
        self.tasks = Tasks(driver)
        self.trees = Trees(driver)
        self.kin = Kin(driver)
        self.dependencies = Dependencies(driver)
        self.bulk = Bulk(driver)
        self.leases = Leases(driver)
        self.dispatch = Dispatch(driver)
        self.history = History(driver)
        self.dead_letters = DeadLetters(driver)
        self.rows = Rows(connection)

    async def declare(self, tenant_ids: Collection[UUID]) -> None:
        await declare(self._connection, tenant_ids)

    async def clock(self) -> datetime:
        return await clock(self._connection)

    async def require_recordable(self, envelope: str) -> None:
        """Raises JobDataError, with what taskrail.record would say, if it could not be recorded."""
        await self._connection.execute(REQUIRE_RECORDABLE, {"envelope": envelope})

    async def save(self, board: Board, entries: list[Entry]) -> None:
        """Writes the verdicts and what the board changed; the ledger first, it decides races."""
        if entries:
            await self._settle(entries)
        await self._save_entities(board)
        await self._append_history(board)

    async def keep(self, letters: list[DeadLetter]) -> None:
        """Stores what belongs to no tenant's ledger."""
        if letters:
            await self.dead_letters.insert(letters)

    async def commit(self) -> None:
        await self._connection.commit()

    async def _settle(self, entries: list[Entry]) -> None:
        if await self.ledger.write(entries) != len(entries):
            raise JobConflict("a job of the batch was settled by another worker meanwhile")

    async def _save_entities(self, board: Board) -> None:
        for kind, repository in (
            (Project, self.projects),
            (Worker, self.workers),
        ):
            # What is given up first is free for what is new: slugs and handles are unique.
            await _update(repository, _changes(board, kind))
            await _insert(repository, _changes(board, kind))
        await _save_parts(self.members, board.member_changes)
        # A task that moves may hang under a new one.
        await _insert(self.tasks, _changes(board, Task))
        await _update(self.tasks, _changes(board, Task))
        await _save_parts(self.leases, board.lease_changes)
        await _save_parts(self.dependencies, board.dependency_changes)

    async def _append_history(self, board: Board) -> None:
        if board.new_comments:
            comments = sorted(board.new_comments, key=lambda comment: rank(comment.key))
            await self.history.comment(comments)
        if board.events:
            await self.history.append(board.events)
        if board.erased_comments:
            await self.history.erase_comments(board.erased_comments)
        if board.tally:
            await self.history.count([delta for _, delta in sorted(board.tally.items())])


@asynccontextmanager
async def unit_of_work(engine: AsyncEngine) -> AsyncIterator[UnitOfWork]:
    """A transaction that is rolled back unless committed; driver errors come out as JobErrors."""
    with translated():
        async with engine.connect() as connection:
            yield UnitOfWork(connection, await Driver.of(connection))


def _changes(board: Board, kind: type) -> list[Change]:
    changed = (change for change in board.changes.values() if isinstance(change.entity, kind))
    return sorted(changed, key=lambda change: rank(change.entity.key))


async def _insert(repository: Projects | Workers | Tasks, changes: list[Change]) -> None:
    new: list[Any] = [change.entity for change in changes if change.base_version is None]
    if new:
        await repository.insert(new)


async def _update(repository: Projects | Workers | Tasks, changes: list[Change]) -> None:
    old = [change for change in changes if change.base_version is not None]
    if old and await repository.update(old) != len(old):
        raise JobConflict("a row of the batch was changed by another transaction meanwhile")


async def _save_parts(repository: Members | Leases | Dependencies, changes: dict[Any, Any]) -> None:
    """Puts what is there now and ends what is not."""
    put = [changes[key] for key in sorted(changes, key=rank) if changes[key] is not None]
    ended = [key for key, part in changes.items() if part is None]
    if ended:
        await repository.end(ended)
    if put:
        await repository.put(put)
