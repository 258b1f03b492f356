"""What every job needs and no job owns: engines, Redis, settings, and where signals go."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from jobs.entities import Key
from settings import Settings
from worker.signals import Signal


@dataclass(frozen=True, slots=True)
class Runtime:
    """Opened once a process. `hand_backs` counts how often a queue entry met a locked row here.

    `news` is set whenever a batch with events was committed here. `owed`: jobs whose delivery the
    ledger has counted, to be taken back as soon as the store can (counting.py).
    """

    settings: Settings
    engine: AsyncEngine
    keeper: AsyncEngine
    redis: ArqRedis
    emit: Callable[[Signal], None]
    hand_backs: Counter[str] = field(default_factory=Counter)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    owed: set[Key] = field(default_factory=set)


async def open_runtime(
    settings: Settings, redis: ArqRedis, emit: Callable[[Signal], None]
) -> Runtime:
    return Runtime(
        settings=settings,
        engine=create_engine(settings, "worker"),
        keeper=create_engine(settings, "keeper"),
        redis=redis,
        emit=emit,
    )


async def close_runtime(runtime: Runtime) -> None:
    await runtime.engine.dispose()
    await runtime.keeper.dispose()
