"""The product with one safeguard taken out. Each must be caught by the checker.

A mutation is applied to a process of the tests; the product itself has no switch for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import text, update

import db.unit_of_work as uow
import worker.apply
import worker.deciding
from db.arrays import arrays, bulk_insert, matches, table_of, typed, unnested
from db.driver import Driver
from db.models import Outbox
from db.repositories import ledger, tasks
from db.repositories.history import EVENT, EVENTS, OUTBOX, History
from jobs.errors import NotAllowed
from jobs.outcomes import Rejected
from worker.deliveries import Delivery, Disposition, Kept
from worker.loops.relay import Relay
from worker.loops.sweeper import Sweeper
from worker.queue.holding import Entry
from worker.queue.line import Line
from worker.runtime import Runtime

OWNERS = text("SELECT id, tenant_id FROM taskrail.task")


def no_ledger() -> None:
    """What is known is not looked up, what was settled is settled again."""

    async def nothing(*_: object) -> dict[Any, Any]:
        return {}

    _replace(worker.apply, "read_ledger", nothing)
    insert: Any = ledger._INSERT  # noqa: SLF001 - to build another
    names = {name: insert.excluded[name] for name in ledger.SET}
    ledger.WRITE = insert.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=names)


def ledger_in_its_own_transaction() -> None:
    """The verdict is durable before the change is."""

    async def settle(self: uow.UnitOfWork, entries: list[ledger.Entry]) -> None:
        engine = self._connection.engine
        async with engine.connect() as connection:
            other = uow.UnitOfWork(connection, await Driver.of(connection))
            await other.declare({entry.tenant_id for entry in entries})
            await other.ledger.write(entries)
            await connection.commit()

    _replace(uow.UnitOfWork, "_settle", settle)


def no_sweeper() -> None:
    """Nobody looks for recorded jobs."""

    async def sweep(_: Sweeper, __: Runtime) -> int:
        return 0

    _replace(Sweeper, "sweep", sweep)


def no_relay() -> None:
    """What has happened stays in the outbox."""

    async def publish(_: Relay, __: Runtime) -> int:
        return 0

    _replace(Relay, "publish", publish)


def acknowledged_before_commit() -> None:
    """Redis forgets what PostgreSQL does not have yet."""
    apply = Line._apply  # noqa: SLF001 - to be wrapped

    async def forget_first(self: Line, entries: list[Entry]) -> None:
        self.renewing.let_go(entries)
        await self.queues.settle(entries, [Kept("too early")] * len(entries))
        await apply(self, entries)

    _replace(Line, "_apply", forget_first)


def no_lock_and_no_version_guard() -> None:
    """Rows are read without locks and written whatever has become of them."""
    tasks.LOCK = tasks.LOCK_FREE = tasks.READ
    tasks.UPDATE_STATE = _unguarded(tasks.STATE)
    tasks.UPDATE_ALL = _unguarded(tasks.ALL)


def everything_rejected() -> None:
    """Not a single rule is asked."""

    def decide(*_: object, **__: object) -> Any:
        raise NotAllowed("No.")

    _replace(worker.deciding, "decide", decide)


def reasons_dropped() -> None:
    """The ledger keeps that a job was rejected, and not what the rule saw."""

    def without_reason(self: Rejected) -> dict[str, Any]:
        return self.as_json() | {"observed": {"status": None, "version": None}}

    _replace(Rejected, "as_stored", without_reason)


def tenant_not_checked() -> None:
    """A job is for whoever has the task that it names."""
    transact = worker.apply.transact

    async def for_whoever_it_concerns(
        batch: Sequence[Delivery], runtime: Runtime, *, wait: bool
    ) -> list[Disposition]:
        async with runtime.keeper.connect() as connection:
            owners = {row[0]: row[1] for row in await connection.execute(OWNERS)}
        return await transact([_owned(one, owners) for one in batch], runtime, wait=wait)

    _replace(worker.apply, "transact", for_whoever_it_concerns)


def events_after_commit() -> None:
    """The change is durable before its history is."""
    _postpone(History.append)


def outbox_after_commit() -> None:
    """The events are durable before it is noted that they are to be published."""

    async def without_outbox(self: History, events: list[Any]) -> None:
        await self._driver.execute(bulk_insert(EVENTS, EVENT), arrays(events, EVENT))

    async def only_outbox(self: History, events: list[Any]) -> None:
        await self._driver.execute(bulk_insert(table_of(Outbox), OUTBOX), arrays(events, OUTBOX))

    _postpone(only_outbox, first=without_outbox)


MUTANTS: dict[str, Callable[[], None]] = {
    mutate.__name__: mutate
    for mutate in (
        no_ledger,
        ledger_in_its_own_transaction,
        no_sweeper,
        no_relay,
        acknowledged_before_commit,
        no_lock_and_no_version_guard,
        everything_rejected,
        reasons_dropped,
        tenant_not_checked,
        events_after_commit,
        outbox_after_commit,
    )
}


def _unguarded(names: Sequence[str]) -> Any:
    """`guarded_update` without its guard."""
    table, key = tasks.TABLE, ("tenant_id", "id")
    given = unnested([*typed(table, (*key, *names)), ("base_version", table.c.version.type)])
    return (
        update(table)
        .values({name: given.c[name] for name in names})
        .where(*matches(table, given, *key), given.c.base_version.is_not(None))
    )


def _owned(delivery: Delivery, owners: dict[Any, Any]) -> Delivery:
    request: Any = delivery.request
    owner = owners.get(getattr(getattr(request, "payload", None), "task_id", None))
    if owner is None:
        return delivery
    return replace(delivery, request=request.model_copy(update={"tenant_id": owner}))


def _postpone(last: Callable[..., Any], first: Callable[..., Any] | None = None) -> None:
    """`last` is done with the events in a transaction of its own, after that of the change."""
    commit = uow.UnitOfWork.commit
    postponed: dict[int, list[Any]] = {}

    async def append(self: History, events: list[Any]) -> None:
        postponed[id(self)] = events
        if first is not None:
            await first(self, events)

    async def commit_twice(self: uow.UnitOfWork) -> None:
        await commit(self)
        events = postponed.pop(id(self.history), [])
        if events:
            await self.declare({event.tenant_id for event in events})
            await last(self.history, events)
            await commit(self)

    _replace(History, "append", append)
    _replace(uow.UnitOfWork, "commit", commit_twice)


def _replace(owner: object, name: str, other: object) -> None:
    setattr(owner, name, other)
