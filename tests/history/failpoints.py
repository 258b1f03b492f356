"""Named points at which a worker can be made to die, to break or to freeze. None exists in life.

A point wraps a function of the product in a process of the tests; it strikes once.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from multiprocessing.synchronize import Event
from typing import Any

import worker.apply
import worker.loops.relay
import worker.loops.sweeper
from db.unit_of_work import UnitOfWork
from worker.queue.holding import Queues

Strike = Callable[[], None]
Method = Callable[..., Awaitable[Any]]
KILLED = 137


def install(point: str, how: str, struck: Event) -> None:
    """The worker of this process strikes at this point and says so. `how`: exit, raise or stall."""
    strikes = {"exit": _exit, "raise": _raise, "stall": _stall}
    POINTS[point](_once(strikes[how], struck))


def after_take(strike: Strike) -> None:
    """Entries are held, nothing is known of them yet."""

    async def wrapped(take: Method, *arguments: Any) -> Any:
        taken = await take(*arguments)
        if taken.entries:
            strike()
        return taken

    _wrap(Queues, "take", wrapped)


def after_load(strike: Strike) -> None:
    """Rows are locked and read."""
    _wrap(worker.apply, "load_board", _after(strike))


def after_save(strike: Strike) -> None:
    """Everything is written, and nothing committed."""
    _wrap(UnitOfWork, "save", _after(strike))


def commit_sent(strike: Strike) -> None:
    """COMMIT is on its way; nobody will hear the answer."""

    async def wrapped(commit: Method, *arguments: Any) -> None:
        committing = asyncio.ensure_future(commit(*arguments))
        await asyncio.sleep(0)
        strike()
        await committing

    _wrap(UnitOfWork, "commit", wrapped)


def after_commit(strike: Strike) -> None:
    """PostgreSQL has it, Redis does not know."""
    _wrap(UnitOfWork, "commit", _after(strike))


def after_settle(strike: Strike) -> None:
    """Redis knows, too."""
    _wrap(Queues, "settle", _after(strike))


def sweeper_after_put(strike: Strike) -> None:
    """Recorded jobs have been put into the queue again."""
    _wrap(worker.loops.sweeper, "put", _after(strike))


def relay_after_append(strike: Strike) -> None:
    """Events are in their streams, and in the outbox still."""
    _wrap(worker.loops.relay, "append", _after(strike))


POINTS: dict[str, Callable[[Strike], None]] = {
    point.__name__: point
    for point in (
        after_take,
        after_load,
        after_save,
        commit_sent,
        after_commit,
        after_settle,
        sweeper_after_put,
        relay_after_append,
    )
}


def _wrap(owner: Any, name: str, wrapper: Callable[..., Awaitable[Any]]) -> None:
    wrapped = getattr(owner, name)

    async def wrapping(*arguments: Any, **named: Any) -> Any:
        async def call(*given: Any) -> Any:
            return await wrapped(*given, **named)

        return await wrapper(call, *arguments)

    setattr(owner, name, wrapping)


def _after(strike: Strike) -> Callable[..., Awaitable[Any]]:
    async def wrapped(call: Method, *arguments: Any) -> Any:
        answer = await call(*arguments)
        strike()
        return answer

    return wrapped


def _once(strike: Strike, struck: Event) -> Strike:
    def strike_once() -> None:
        if not struck.is_set():
            struck.set()
            strike()

    return strike_once


def _exit() -> None:
    os._exit(KILLED)


def _raise() -> None:
    raise RuntimeError("struck at a failpoint")


def _stall() -> None:
    """All threads, the one that renews included, until somebody says SIGCONT."""
    os.kill(os.getpid(), signal.SIGSTOP)
